"""Calls of the Bot API that send uploaded files.

The first time, a file goes with the call itself. Telegram's answer has an id for it, which is
stored and sent from then on; when Telegram does not know it any more, the file is uploaded again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from telegram.error import BadRequest, TelegramError

from dialogs.messages import UPLOAD
from models.bots.records import Writer
from models.errors import StorageError
from models.messaging.media import MediaRecord
from runner.sending.media_store import MediaStore
from runner.sending.outcomes import Fate, fate_of
from runner.telegram.answers import Unavailable
from runner.telegram.client import BotClient
from runner.telegram.connection_errors import NotSent
from runner.telegram.form import FileForm, FormFile

log = logging.getLogger("botyard.runner")

UPLOADS_A_BOT = 2  # files that one bot sends to Telegram at once
SLOWEST = 64 * 1024  # bytes a second that an upload makes on the average, or it is given up
MAX_KNOWN = 1000  # ids of files that are remembered until all of them are stored
_MARK = f'{{"{UPLOAD}":'.encode()  # in JSON; inside of a text its quotes would be escaped
# Telegram's words about an id that is wrong, of another bot, or has expired.
_ABOUT_FILE = re.compile(
    "file.?id|file identifier|file.?reference|media_empty|can't use file of type", re.IGNORECASE
)
_FILE_ID = re.compile(r"[\x21-\x7e]{1,255}")
# Telegram makes animations of some videos and videos of some documents; their ids can take each
# other's place.
_SIMILAR = ("animation", "video", "audio", "document", "voice")


@dataclass(frozen=True, slots=True)
class Sent:
    """Telegram's answer to a call.

    Args:
        file_ids: the files that were uploaded, each with Telegram's id.
    """

    answer: Any
    file_ids: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a call has an uploaded file.

    Args:
        holder, name: the object and its field.
        kind: as what it is sent.
        index: which of the messages of an album it is; 0 for a single one.
    """

    holder: dict[str, Any]
    name: str
    kind: str
    index: int
    media_id: int


def names_uploads(parameters: bytes) -> bool:
    """Tell whether a call, as JSON, has uploaded files."""
    return _MARK in parameters


class FileCalls:
    """Makes one bot's calls with uploaded files.

    Args:
        bot_id: the bot.
        client: makes the calls.
        store: has the files.
    """

    def __init__(self, bot_id: int, client: BotClient, store: MediaStore) -> None:
        self._bot_id = bot_id
        self._client = client
        self._store = store
        self._mine = asyncio.Semaphore(UPLOADS_A_BOT)
        self._known: dict[int, str] = {}

    @asynccontextmanager
    async def room(self, parameters: bytes) -> AsyncIterator[bool]:
        """Wait for room for an upload, if a call needs one, and keep it in this block.

        Args:
            parameters: of the call, as JSON.

        Returns:
            True if there is room; False if none is needed.
        """
        places = list(_places(orjson.loads(parameters)))
        files = await self._files(places)
        needed = any(place.media_id in files for place in places) and not all(
            self._file_id(file) for file in files.values()
        )
        async with AsyncExitStack() as stack:
            if needed:
                await stack.enter_async_context(self._mine)
                await stack.enter_async_context(self._store.room)
            yield needed

    async def call(self, method: str, parameters: bytes, *, has_room: bool = False) -> Sent:
        """Make a call.

        Args:
            parameters: as JSON, with `{"upload": id}` in place of each file.
            has_room: True inside of `room`, when that is True.

        Raises:
            TelegramError: as for `BotClient.call`. BadRequest also if a file was deleted.
        """
        decoded = orjson.loads(parameters)
        places = list(_places(decoded))
        files = await self._files(places)
        for place in places:
            if place.media_id not in files:
                raise BadRequest(f"the uploaded file {place.media_id} was deleted")
        known = {number: self._file_id(file) for number, file in files.items()}
        if any(known.values()):
            try:
                return await self._call(method, decoded, places, files, known, has_room=has_room)
            except BadRequest as error:
                if not _ABOUT_FILE.search(error.message):
                    raise
                log.info("bot %d: files are uploaded again: %s", self._bot_id, error.message)
        for number in files:
            self._known.pop(number, None)
        unknown = dict.fromkeys(files)
        return await self._call(method, decoded, places, files, unknown, has_room=has_room)

    async def save(self, writer: Writer, sent: Sent) -> None:
        """Store the ids of files, of a call that has no other outcome to store."""
        if sent.file_ids:
            await self._store.save_file_ids(writer, sent.file_ids)

    async def _files(self, places: list[_Place]) -> dict[int, MediaRecord]:
        try:
            return await self._store.several(self._bot_id, [one.media_id for one in places])
        except StorageError as error:
            raise NotSent("the database does not answer") from error

    def _file_id(self, file: MediaRecord) -> str | None:
        return self._known.get(file.id, file.file_id)

    async def _call(
        self,
        method: str,
        parameters: dict[str, Any],
        places: list[_Place],
        files: dict[int, MediaRecord],
        file_ids: dict[int, str] | dict[int, str | None],
        *,
        has_room: bool,
    ) -> Sent:
        """Make the call once, and upload those files of which no id is given."""
        new: dict[int, str] = {}  # the fields of the form
        for place in places:
            file_id = file_ids[place.media_id]
            if file_id is None:
                new.setdefault(place.media_id, f"file{place.media_id}")
                file_id = f"attach://{new[place.media_id]}"
            place.holder[place.name] = file_id
        if not new:
            return Sent(await self._client.call(method, parameters))
        parts = [
            FormFile(field, file.name, file.mime_type, file.size, partial(self._content, file))
            for number, field in new.items()
            for file in (files[number],)
        ]
        answer = await self._upload(method, FileForm(parameters, parts), has_room=has_room)
        found = {
            place.media_id: file_id
            for place in places
            if place.media_id in new and (file_id := _file_id_in(answer, place)) is not None
        }
        self._remember(found)
        return Sent(answer, tuple(found.items()))

    async def _upload(self, method: str, form: FileForm, *, has_room: bool) -> Any:
        async with AsyncExitStack() as stack:
            if not has_room:
                await stack.enter_async_context(self._mine)
                await stack.enter_async_context(self._store.room)
            try:
                return await self._client.call_encoded(
                    method,
                    form.content(),
                    headers=form.headers,
                    read_timeout=self._client.call_timeout + form.length / SLOWEST,
                )
            except TelegramError as error:
                if isinstance(form.failure, BadRequest):
                    raise form.failure from error
                if form.failure is not None:
                    raise NotSent("a file could not be read") from form.failure
                if fate_of(error) is Fate.LOST and not form.is_complete:
                    raise Unavailable(error.message) from error
                raise

    async def _content(self, file: MediaRecord) -> AsyncIterator[bytes]:
        for number in range(file.pieces):
            data = await self._store.piece(self._bot_id, file.id, number)
            if data is None:
                raise BadRequest(f"the uploaded file {file.id} was deleted")
            yield data

    def _remember(self, file_ids: dict[int, str]) -> None:
        """Remember ids until they are stored: others may wait to send the same file."""
        self._known |= file_ids
        while len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]


def _places(parameters: dict[str, Any]) -> Iterator[_Place]:
    """Find the uploaded files of a call: at its top, in an album, or in an edit."""
    media = parameters.get("media")
    items = media if isinstance(media, list) else [media] if isinstance(media, dict) else []
    for name, value in parameters.items():
        if _is_upload(value):
            yield _Place(parameters, name, name, 0, value[UPLOAD])
    for index, item in enumerate(items):
        if _is_upload(item.get("media")):
            yield _Place(item, "media", item["type"], index, item["media"][UPLOAD])


def _is_upload(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {UPLOAD}


def _file_id_in(answer: Any, place: _Place) -> str | None:
    """Return Telegram's id of a file in the answer that shows it; None if there is none."""
    answers = answer if isinstance(answer, list) else [answer]
    message = answers[place.index] if place.index < len(answers) else None
    if not isinstance(message, dict):
        return None
    names = (place.kind, *(_SIMILAR if place.kind in _SIMILAR else ()))
    content = next((message[name] for name in names if message.get(name)), None)
    if isinstance(content, list):  # the sizes of a photo, the largest at the end
        content = content[-1]
    file_id = content.get("file_id") if isinstance(content, dict) else None
    return file_id if isinstance(file_id, str) and _FILE_ID.fullmatch(file_id) else None
