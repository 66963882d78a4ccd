"""A local Telegram Bot API for trying and testing bots without Telegram.

`Sandbox` is Telegram's side: bots, chats, updates, and faults to put in the way. `make_app` puts it
behind HTTP: the Bot API under /bot<token>/<method> and /file/bot<token>/<path>, and /control/ for
what users, BotFather and bad luck do. `serve` listens on the running loop, `stop` ends it.

    server, sandbox = await serve(port=0)
    bot = sandbox.add_bot()
    ...                                     # a program polls http://127.0.0.1:<port_of(server)>
    sandbox.send_message(bot.id, text="/start")
    answers = await sandbox.wait_sent(bot.id, timeout=5)
    await stop(server, sandbox)

It follows the Bot API as documented (8.x, 9.x; https://core.telegram.org/bots/api). Where the real
one differs:

- It drops updates that nobody fetched for 24 hours; here they stay until confirmed, in memory only.
- setWebhook only records: nothing is delivered, though getUpdates then answers 409 as it should.
- It delays a second 409 within three seconds, and a getUpdates that repeats an offset within three
  seconds; here, only with "botyard sandbox --strict-polls".
- Only the methods in `sandbox.methods` exist; others are logged and answer 404 as misspelt ones do.
- `message_id` grows by one within each chat; there it grows over all chats of a bot.
- Only bot commands, HTML and the entities that a bot gives become entities. Markdown is taken as
  plain text, and links, mentions and hashtags are not marked. Entities that cross each other are
  kept as they are, where the real server splits them.
- Files are not decoded, and any bytes will do: a photo has one size of 800 x 600 (that of a user
  also a small one), a sticker is 512 x 512, and a video or a sound has the size and duration that
  the bot or the user gives it. A URL is not fetched: the file then holds the URL. Upload limits (50
  MB, 10 MB for photos) are not checked, nor how long the texts of users are.
- A file that getFile was asked for can be downloaded for ever, not for an hour.
- Of several mistakes in one request, another may be named first.
- Everybody who wrote in a chat is a "member" of it, and so is the bot, which may pin all the same.
  It gets everything that is written in a group, and the reactions in it, as if privacy mode were
  off and it were an administrator. Polls get no votes, and the bot's own reactions are checked and
  then only noted in the list of calls.
- A forum is a supergroup in which somebody began a topic. Topics are not closed, and bots cannot
  begin one. Threads of replies outside of forums have no `message_thread_id`.
- An update of a type that is not known here is always delivered.
- Forwards of users' messages always name the user, and bots' own forwards cannot be edited.
- answerCallbackQuery takes 15 minutes as the life of a query; the real limit is not documented.
- logOut ends with the next new token, not after ten minutes, and close is never refused.
- A chat keeps its last 1000 messages; older ones can be neither edited nor deleted. A bot may
  delete any message of the last 48 hours, in groups also those of users, as if it were an
  administrator there, whom the real server sets no such limit.
- Flood control is off unless asked for. Its limits are those of Telegram's FAQ; the real server has
  others, too, which are not documented.
- The words of errors for malformed commands, keyboards and JSON are close, not always the same.
- There is no test environment (/bot<token>/test/<method>).
"""

from sandbox.app import make_app, port_of, serve, stop
from sandbox.bots import SandboxBot
from sandbox.errors import (
    ApiError,
    InvalidValue,
    NotKnown,
    SandboxError,
    UnknownBot,
    UnknownChat,
    UnknownFault,
    UnknownMessage,
)
from sandbox.faults import Fault
from sandbox.received import Received
from sandbox.records import Call, Present, Sent
from sandbox.telegram import Sandbox
from sandbox.updates import Update

__all__ = [
    "ApiError",
    "Call",
    "Fault",
    "InvalidValue",
    "NotKnown",
    "Present",
    "Received",
    "Sandbox",
    "SandboxBot",
    "SandboxError",
    "Sent",
    "UnknownBot",
    "UnknownChat",
    "UnknownFault",
    "UnknownMessage",
    "Update",
    "make_app",
    "port_of",
    "serve",
    "stop",
]
