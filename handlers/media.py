"""Files for the messages of a bot: upload, list, show, download, delete."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from tornado.web import url

from dialogs.messages.content import MediaType
from handlers.bodies import announced_length
from handlers.bots import BotHandler
from handlers.file_answers import send_pieces, set_file_headers
from handlers.ids import ID
from handlers.multipart import OVERHEAD, FileForm
from handlers.pagination import CursorHandler
from handlers.receiving import Receiver
from handlers.schemas.common import shared
from handlers.schemas.media import MediaQuerySchema, MediaSchema, UploadQuerySchema
from handlers.uploads import StreamedHandler
from models.messaging.media import MediaRecord
from services.errors import FileTooLarge, MediaNotFound
from services.media import MAX_FILE

SLOWEST = 64 * 1024  # bytes a second that an upload must bring on the average
BASE_TIME = 30.0  # seconds beside


def _present(record: MediaRecord) -> dict[str, Any]:
    fields = asdict(record) | {"kind": MediaType(record.kind)}
    presented: dict[str, Any] = shared(MediaSchema).dump(fields)
    return presented


class BotMedia(StreamedHandler, BotHandler, CursorHandler):
    """A bot's files."""

    max_body: ClassVar[int] = MAX_FILE + OVERHEAD
    timed: ClassVar[bool] = False
    _receiver: Receiver | None = None

    async def prepare(self) -> None:
        """Check the request before its body comes."""
        await super().prepare()
        if self.request.method != "POST":
            return
        bot = await self.bot(self.path_args[0])
        query = self.query(UploadQuerySchema)
        form = FileForm(self.request.headers.get("Content-Type", ""))
        announced = announced_length(self.request.headers)
        connection: Any = self.request.connection
        connection.set_max_body_size(2 * self.max_body)  # what is too much is counted here
        connection.set_body_timeout(BASE_TIME + (announced or self.max_body) / SLOWEST)
        self._receiver = Receiver(
            self.services.media, bot, form, announced=announced, by=self.actor, **query
        )

    def check_body_size(self) -> None:
        """Reject a body that is too large before it comes.

        Raises:
            FileTooLarge: it announces more than a file may have.
        """
        if announced_length(self.request.headers) > self.max_body:
            raise FileTooLarge(MAX_FILE)

    async def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        if self._receiver is not None:
            await self._receiver.receive(chunk)

    async def admit(self, method: str) -> None:
        """Authorize the request; drop what was received if that fails."""
        try:
            await super().admit(method)
        except Exception:
            await self._close()
            raise

    async def _execute(self, transforms: list[Any], *args: bytes, **kwargs: bytes) -> None:
        try:
            await super()._execute(transforms, *args, **kwargs)
        finally:  # also if the client has gone
            await self._close()

    async def _close(self) -> None:
        if self._receiver is not None:
            await self._receiver.close()

    async def get(self, bot_id: str) -> None:
        """List the files of a bot that messages can have, the latest first.

        ---
        summary: A bot's files
        tags: [Media]
        parameters: [{in: query, schema: MediaQuerySchema}]
        responses:
          200: {description: The files., schema: MediaItemsSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
        """
        bot, query = await self.bot(bot_id), self.query(MediaQuerySchema)
        found = await self.services.media.list_for(
            bot, before=query["after"] and query["after"][0], limit=query["limit"] + 1
        )
        self.answer_items(
            found, query["limit"], present=_present, position=lambda record: (record.id,)
        )

    async def post(self, bot_id: str) -> None:
        """Upload a file, for `upload` in the media of messages.

        A photo may have 10 MB, any other file 20 MB; the files of a bot 200 MB together, those of
        an account 500 MB. Telegram gets the file when a message is sent with it for the first time.

        ---
        summary: Upload a file
        tags: [Media]
        parameters: [{in: query, schema: UploadQuerySchema}]
        requestBody:
          content:
            multipart/form-data:
              schema:
                type: object
                required: [file]
                properties: {file: {type: string, format: binary}}
        responses:
          201:
            description: The file.
            schema: MediaSchema
            headers:
              Location: {description: The address of the file., schema: {type: string}}
          403: {description: There is no room for it., codes: [media_quota_reached]}
          413: {description: The file is larger than it may be.}
          507: {description: The server has no room for it., codes: [media_storage_full]}
        """
        if self._receiver is None:
            raise RuntimeError("a request with a body has a receiver")
        try:
            record = await self._receiver.finish()
        except Exception:
            await self._close()  # before the answer, so that the next upload has room
            raise
        self.set_header("Location", f"/api/v1/telegram_data/{bot_id}/media/{record.id}/")
        self.answer(_present(record), status=201)


class OneMedia(BotHandler):
    """One file."""

    async def get(self, bot_id: str, media_id: str) -> None:
        """Show a file, without its content.

        ---
        summary: One file
        tags: [Media]
        responses:
          200: {description: The file., schema: MediaSchema}
        """
        bot = await self.bot(bot_id)
        self.answer(_present(await self.services.media.find(bot, int(media_id))))

    async def delete(self, bot_id: str, media_id: str) -> None:
        """Delete a file. A message that waits to be sent with it will fail.

        ---
        summary: Delete a file
        tags: [Media]
        responses:
          204: {description: The file was deleted.}
          409: {description: The scenario that the bot runs sends it., codes: [file_in_use]}
        """
        bot = await self.bot(bot_id)
        await self.services.media.delete(bot, int(media_id), by=self.actor)
        self.set_status(204)


class MediaContent(BotHandler):
    """The content of a file."""

    timed: ClassVar[bool] = False

    async def get(self, bot_id: str, media_id: str) -> None:
        """Download a file. Images, videos and audio of common types can also be shown in a page.

        ---
        summary: The content of a file
        tags: [Media]
        responses:
          200:
            description: The content; as application/octet-stream unless it can be shown.
            content: {application/octet-stream: {}}
        """
        bot = await self.bot(bot_id)
        record = await self.services.media.find(bot, int(media_id))
        set_file_headers(self, name=record.name, mime_type=record.mime_type, size=record.size)
        if self.request.method == "HEAD":
            return
        try:
            content = self.services.media.content(bot, record)
            await send_pieces(self, content, size=record.size)
        except (MediaNotFound, TimeoutError):
            # deleted meanwhile, or read too slowly: the reader must not take it for complete
            self.detach().close()


_MEDIA = rf"/api/v1/telegram_data/({ID})/media"

routes: list[Any] = [
    url(rf"{_MEDIA}/?", BotMedia),
    url(rf"{_MEDIA}/({ID})/?", OneMedia),
    url(rf"{_MEDIA}/({ID})/content/?", MediaContent),
]
