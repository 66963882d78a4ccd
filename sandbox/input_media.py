"""InputMedia objects: a file with its caption, in an album or in place of another one."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from sandbox.bots import SandboxBot
from sandbox.errors import ApiError, bad_request
from sandbox.files import ANIMATION, AUDIO, DOCUMENT, PHOTO, VIDEO, Kind
from sandbox.media import read_media
from sandbox.params import Params

KINDS = {kind.field: kind for kind in (ANIMATION, AUDIO, DOCUMENT, PHOTO, VIDEO)}


@dataclass(slots=True, frozen=True)
class InputMedia:
    """One InputMedia object that has been checked; its file is not kept yet."""

    params: Params
    kind: Kind

    def content(self, bot: SandboxBot) -> dict[str, Any]:
        """Keep the file and give the fields of a Message with it and its caption.

        Raises:
            ApiError: 400, the file or the caption cannot be used.
        """
        return read_media(bot, self.params, self.kind, name="media")


def read_input_media(given: Any, params: Params, kinds: Set[Kind], *, method: str) -> InputMedia:
    """Read one InputMedia object.

    Args:
        given: The object.
        params: The parameters of the request, with the files that it names.
        kinds: What the method takes.
        method: Its name.

    Raises:
        ApiError: 400, it is malformed or of another kind.

    Source: https://core.telegram.org/bots/api#inputmedia
    """
    if not isinstance(given, dict):
        raise _unparsed("expected an Object")
    item = Params(given, params.files)
    media = item.text("media")
    if not media or (media.startswith("attach://") and item.upload("media") is None):
        raise _unparsed("media not found")
    name = item.text("type")
    if not name:
        raise _unparsed('Can\'t find field "type"')
    kind = KINDS.get(name)
    if kind is None:
        raise _unparsed(f'type "{name}" is unsupported')
    if kind not in kinds:
        raise _unparsed(f'type "{name}" can\'t be used in {method}')
    return InputMedia(item, kind)


def _unparsed(reason: str) -> ApiError:
    return bad_request(f"can't parse InputMedia: {reason}")
