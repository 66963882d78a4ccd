"""Takes a file from the pieces of a request's body to the database."""

from __future__ import annotations

from contextlib import suppress

from dialogs.messages.content import MediaType
from handlers.multipart import FileForm, Part
from models.accounts.audit import Actor
from models.bots.records import BotRecord
from models.errors import StorageError
from models.messaging.media import MediaRecord
from services.media import MediaService, Upload

# By the media type that the form says; all others are documents.
_KINDS = {
    "image/jpeg": MediaType.PHOTO,
    "image/png": MediaType.PHOTO,
    "image/webp": MediaType.PHOTO,
    "image/gif": MediaType.ANIMATION,
    "video/mp4": MediaType.VIDEO,
    "audio/mpeg": MediaType.AUDIO,
    "audio/mp4": MediaType.AUDIO,
    "audio/x-m4a": MediaType.AUDIO,
    "audio/ogg": MediaType.VOICE,
}


class Receiver:
    """Receives the file of one request.

    After a failure it discards the rest of the body, so that the client can read the answer: most
    do not before they have sent everything.

    Args:
        service: stores the file.
        bot: the bot that it is for.
        form: reads the body.
        announced: the length of the body in bytes; 0 if it is not known.
        kind: as what the file is to be sent; None to tell by its type.
        by: the caller.
    """

    def __init__(
        self,
        service: MediaService,
        bot: BotRecord,
        form: FileForm,
        *,
        announced: int,
        kind: MediaType | None,
        by: Actor,
    ) -> None:
        self._service = service
        self._bot = bot
        self._form = form
        self._announced = announced
        self._kind = kind
        self._by = by
        self._upload: Upload | None = None
        self._end: Exception | bool = False  # an error, or True when nothing more is to come

    async def receive(self, data: bytes) -> None:
        """Take a piece of the body; a failure is raised by `finish`."""
        if self._end:
            return
        try:
            content = self._form.feed(data)
            if self._upload is None and self._form.part is not None:
                self._upload = await self._begin(self._form.part)
            if content and self._upload is not None:
                await self._upload.add(content)
        except Exception as error:
            self._end = error
        if self._end:  # also if the client has gone meanwhile
            await self._abandon()

    async def _begin(self, part: Part) -> Upload:
        return await self._service.begin(
            self._bot,
            name=part.name,
            mime_type=part.mime_type,
            kind=self._kind or _KINDS.get(part.mime_type, MediaType.DOCUMENT),
            size=self._form.content_length(self._announced),
            by=self._by,
        )

    async def finish(self) -> MediaRecord:
        """Complete the file.

        Raises:
            ApiError: the form is malformed, or has no file.
            Exception: whatever the service has failed with.
        """
        if isinstance(self._end, Exception):
            raise self._end
        self._form.finish()
        if self._upload is None:
            raise RuntimeError("a complete form has a file")
        record = await self._upload.finish()
        self._upload = None
        return record

    async def close(self) -> None:
        """Delete what was stored, unless the file is complete."""
        self._end = self._end or True
        await self._abandon()

    async def _abandon(self) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            with suppress(StorageError):  # what stays is deleted later
                await upload.abandon()
