"""What resources with scenarios have in common: the size of bodies, ETags, a check of names."""

from __future__ import annotations

import asyncio
import re
from typing import ClassVar

from dialogs.scenarios import check_names
from handlers.bots import BotHandler
from handlers.preconditions import seen_tag
from handlers.presentation_scenarios import MAX_SCENARIO

_REVISION = re.compile(r"[0-9]{1,9}")
_NO_REVISION = -1  # no draft has it


class ScenarioHandler(BotHandler):
    """The base of resources with scenarios."""

    max_body: ClassVar[int] = MAX_SCENARIO

    def tag(self, tag: int | str) -> None:
        """Answer with a tag: the revision of a draft, or the tag of tests."""
        self.set_header("ETag", f'"{tag}"')

    def seen(self) -> int | None:
        """Return the revision of the draft that the caller has seen; None for whatever it is.

        Raises:
            PreconditionRequired: the header If-Match is missing.
            BadRequest: it is no tag.
        """
        tag = seen_tag(self.request.headers.get("If-Match"), what="the draft")
        if tag is None:
            return None
        return int(tag) if _REVISION.fullmatch(tag) else _NO_REVISION

    async def check_names(self) -> None:
        """Refuse a body in which an object has a name more than once.

        Raises:
            InvalidText: it has one, of which all values but the last would be lost.
        """
        await asyncio.to_thread(check_names, self.json_text)
