"""The files of messages, as people have sent them."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from tornado.web import url

from handlers.bots import BotHandler
from handlers.file_answers import send_pieces, set_file_headers
from handlers.ids import ID
from handlers.multipart import plain_name
from handlers.pagination import QueryHandler
from handlers.schemas.chats import FileSize, MessageFileQuerySchema
from runner.errors import TelegramUnreachable
from runner.telegram.downloads import Download
from runner.telegram.transport import MAX_FILE
from services.attachments import Attachment, attachment_of

_ONE_PART = re.compile(r"bytes=(?:[0-9]{1,15}-[0-9]{0,15}|-[0-9]{1,15})")
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
}


class MessageFile(BotHandler, QueryHandler):
    """The file of a message."""

    timed: ClassVar[bool] = False

    async def get(self, bot_id: str, message_id: str) -> None:
        """Download what a person has sent, from Telegram; of a photo, the largest size.

        The bot may be off. Images, videos and audio of common types can also be shown in a page.
        The header Range asks for a part, as players do.

        ---
        summary: The file of a message
        tags: [Messages]
        parameters:
          - {in: query, schema: MessageFileQuerySchema}
          - name: Range
            in: header
            description: One part of the file; a header in another form has no effect.
            schema: {type: string, examples: [bytes=0-1023]}
        responses:
          200:
            description: The file; as application/octet-stream unless it can be shown.
            content: {application/octet-stream: {}}
          206:
            description: The part of it.
            content: {application/octet-stream: {}}
            headers:
              Content-Range: {description: Which part it is., schema: {type: string}}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
          404: {description: "Or the message has no file, or no small picture."}
          416: {description: The file has no such part.}
          422:
            description: Telegram does not give the file; for example, it has more than 20 MB.
            codes: [telegram_refused]
          429: {description: You read too many files at once., codes: [busy]}
          503: {description: Telegram cannot be reached., codes: [telegram_unreachable]}
        """
        bot, query = await self.bot(bot_id), self.query(MessageFileQuerySchema)
        row = await self.services.messages.find(bot, int(message_id))
        file = attachment_of(row, is_preview=query["size"] is FileSize.THUMB)
        async with self.services.message_files.open(bot, file, part=self._part()) as download:
            self._set_headers(file, download, message_id)
            if self.request.method != "HEAD":
                await self._send(download)

    def _part(self) -> str | None:
        """Return the header Range if it asks for one part (RFC 9110, section 14.2)."""
        headers = self.request.headers
        # there is no validator that If-Range could name
        if self.request.method != "GET" or "If-Range" in headers:
            return None
        part = headers.get("Range", "").replace(" ", "")
        return part if _ONE_PART.fullmatch(part) else None

    def _set_headers(self, file: Attachment, download: Download, message_id: str) -> None:
        name = plain_name(file.name)
        if not name:
            name = f"{file.kind}-{message_id}{_SUFFIXES.get(file.mime_type, '')}"
        set_file_headers(self, name=name, mime_type=file.mime_type, size=download.length)
        if download.has_parts:
            self.set_header("Accept-Ranges", "bytes")
        if download.part is not None:
            self.set_status(206)
            self.set_header("Content-Range", download.part)

    async def _send(self, download: Download) -> None:
        size = MAX_FILE if download.length is None else download.length
        try:
            await send_pieces(self, download.pieces(), size=size)
        except (TelegramUnreachable, TimeoutError):
            if not self._headers_written:
                raise
            self.detach().close()  # the reader must not take it for complete


routes: list[Any] = [
    url(rf"/api/v1/telegram_data/({ID})/messages/({ID})/file/?", MessageFile),
]
