"""The Tornado application of the sandbox, and how it is served and stopped."""

from __future__ import annotations

import logging
import re
import textwrap
from typing import Any, cast

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from sandbox import control as control_api
from sandbox.contents import KINDS
from sandbox.downloads import FileHandler
from sandbox.methods import NAMED
from sandbox.telegram import Sandbox
from sandbox.wire import MethodHandler, NotFoundHandler

logger = logging.getLogger(__name__)

_SECRET = re.compile(r"/bot[^/?]+")

_HOME = """\
This is the Botyard sandbox: a local Telegram Bot API for trying and testing bots.
Point a bot at {base} in place of https://api.telegram.org.

Make a bot, write to it as a user, read its answers:

  curl -X POST {base}/control/bots -d '{{"username": "my_bot"}}'
  curl -X POST {base}/control/bots/my_bot/messages -d '{{"text": "/start"}}'
  curl '{base}/control/bots/my_bot/sent?wait=5'

A button is tapped by what it shows, in the last message that has it ("older": 1 takes the message
before that one), or on the user's keyboard. With ?wait=5 it may still have to come, and the
response has as "answer" what the bot shows the user for a moment, such as "This menu is old"; it is
empty if the bot answers without a text, and null if it does not answer:

  curl -X POST '{base}/control/bots/my_bot/taps?wait=5' -d '{{"text": "Opening hours"}}'

A tap on "Send my phone number" or "Send my location" shares them. Without such a button, a user
shares their own number like this; 1001 is the user who writes unless chat_id? says otherwise:

  curl -X POST {base}/control/bots/my_bot/contents -d '{{"kind": "contact",
    "details": {{"phone_number": "+15550100", "first_name": "Ann", "user_id": 1001}}}}'

The lists of what a bot sent and of what people did are read in pages with ?after=SEQ&limit=COUNT,
where SEQ is the "seq" of the last one read; &chat_id=ID gives one chat. Each sent message tells
what it is like now: present_text, edits and deleted.

A bot is named by its id or its user name. Bodies are JSON; what has a question mark may be left
out.
A mistake is answered with 400 and what is wrong. All there is:

{commands}

People send contents of these kinds: {kinds}.
A file has the bytes of base64, or so many as size says, which take no memory; file_name and
mime_type are taken as they are. details are fields of its object, such as the duration of a video,
the options of a poll or the phone_number of a contact. Every other field is one of the Message, and
{{"kind": "other", "gift_basket": {{}}}} is a message that nobody knows:

  curl -X POST {base}/control/bots/my_bot/contents -d '{{"kind": "photo", "caption": "Look"}}'
  curl -X POST {base}/control/bots/my_bot/contents -d '{{"kind": "video", "size": 30000000}}'

Who does it is told by user_id, first_name, last_name, username, language_code and is_premium; what
was told once stays true. message_thread_id names a topic, and reply_to_message_id a message.

A fault is put into the way of the next calls of the Bot API: of all bots, methods and chats unless
bot_id?, method? and chat_id? say which, or text?, which a parameter has to contain; and without end
unless times? says how many:

  curl -X POST {base}/control/faults -d '{{"kind": "status", "status": 502, "times": 3}}'
  curl -X POST {base}/control/faults -d '{{"kind": "status", "status": 429, "chat_id": 1001}}'
  curl -X POST {base}/control/faults -d '{{"kind": "hold", "method": "getUpdates"}}'
  curl -X POST {base}/control/faults -d '{{"kind": "status", "status": 400, "text": "basket",
    "method": "setMyCommands", "description": "Bad Request: BOT_COMMAND_INVALID"}}'
  curl -X DELETE {base}/control/faults

  status  answers with an error: status, and description?, retry_after? (429), body? (HTML)
  answer  answers with body, whatever it is, as JSON: body, and status? (200)
  drop    closes the connection without an answer; nothing is carried out
  lose    carries the call out and closes the connection without an answer
  delay   answers later by seconds
  hold    does not answer before the fault is removed

Telegram's flood limits are off unless "botyard sandbox --limits" or this command asks for them:

  curl -X POST {base}/control/limits -d '{{"limits": true}}'

Then more than 30 messages a second of a bot, more than one a second in a chat after 20 at once, or
more than 20 a minute in a group are answered with 429, and "refusals" of the bot counts these
answers. Edits count, too, and an album counts its items.

The methods of the Bot API that it has; every other one is answered with 404, "Not Found: method not
found", and logged:

{methods}
"""


def _commands() -> str:
    """A line for each thing that can be done under /control/."""
    lines = []
    for _, handler in control_api.routes:
        path = cast(str, handler.__doc__)
        for name in ("get", "post", "delete"):
            if name in vars(handler):
                about = cast(str, vars(handler)[name].__doc__)
                lines.append(f"  {name.upper():6} {path:30} {about}")
    return "\n".join(lines)


def _kinds() -> str:
    """The kinds of contents, in lines that follow a few words."""
    return textwrap.fill(", ".join(KINDS), 98, initial_indent=" " * 35)[35:]


def _methods() -> str:
    """The names of all methods, in lines of a screen's width."""
    return textwrap.fill(
        ", ".join(NAMED), 98, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )


class HomeHandler(RequestHandler):
    """/"""

    def get(self) -> None:
        """Say what this is and how to use it."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        base = f"{self.request.protocol}://{self.request.host}"
        lists = {"commands": _commands(), "methods": _methods(), "kinds": _kinds()}
        self.finish(_HOME.format(base=base, **lists))


def make_app(sandbox: Sandbox, *, control: bool = True) -> Application:
    """Put the sandbox behind HTTP.

    Args:
        sandbox: What is served.
        control: Serve /control/ too.
    """
    options: dict[str, Any] = {"sandbox": sandbox}
    routes: list[Any] = [
        (r"/bot([^/]+)/([^/]+)/?", MethodHandler, options),
        (r"/file/bot([^/]+)/(.+)", FileHandler, options),
        (r"/", HomeHandler),
    ]
    if control:
        routes += [(path, handler, options) for path, handler in control_api.routes]
    return Application(
        routes,
        default_handler_class=NotFoundHandler,
        default_handler_args=options,
        log_function=log_request,
    )


def log_request(handler: RequestHandler) -> None:
    """Log one request at debug level; tokens in paths are masked, queries left out."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    request = handler.request
    path = _SECRET.sub("/bot***", request.path)
    milliseconds = 1000 * request.request_time()
    logger.debug("%d %s %s %.1f ms", handler.get_status(), request.method, path, milliseconds)


async def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    sandbox: Sandbox | None = None,
    control: bool = True,
) -> tuple[HTTPServer, Sandbox]:
    """Listen on the running event loop.

    Args:
        host: Address to listen on.
        port: 0 takes a free one; `port_of` tells which.
        sandbox: What to serve; a new one when None.
        control: Serve /control/ too.

    Returns:
        The server and what it serves; `stop` ends both.

    Raises:
        OSError: The address cannot be listened on.
    """
    sandbox = sandbox or Sandbox()
    server = HTTPServer(make_app(sandbox, control=control))
    server.add_sockets(bind_sockets(port, host, backlog=2048))
    return server, sandbox


def port_of(server: HTTPServer) -> int:
    """Give the port a server listens on."""
    sockets = server._sockets
    return int(next(iter(sockets.values())).getsockname()[1])


async def stop(server: HTTPServer, sandbox: Sandbox) -> None:
    """Stop listening, let go of held requests and close every connection."""
    server.stop()
    sandbox.close()
    await server.close_all_connections()
