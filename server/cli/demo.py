"""Runs a server and a sandbox together, for a first try in a minute."""

from __future__ import annotations

import click

from sandbox.app import serve as serve_sandbox
from server import lifecycle
from server.app import open_botyard
from server.config import Config
from server.listening import listening_on

_TEXT = """\
Botyard serves on {url}  (try the API at {url}/swagger/)
A simulated Telegram runs on {sandbox}, with a bot for you.

Copy these lines into another terminal, one after the other:

  TOKEN={token}
  BOT={bot_id}
  KEY=$(curl -sS {url}/rest-auth/registration/ -H 'Content-Type: application/json' \\
    -d '{{"username": "ann'$$'", "password": "correct horse battery"}}' \\
    | sed -n 's/.*"key":"\\([^"]*\\)".*/\\1/p')
  MADE=$(curl -sS {url}/api/v1/telegram_data/ -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d '{{"token": "'$TOKEN'", "title": "My first bot"}}')
  ID=$(echo "$MADE" | sed -n 's/^{{"id":\\([0-9]*\\).*/\\1/p')
  echo "$MADE"

The bot is running. Send it a message as a Telegram user, and read its answer:

  curl -sS {sandbox}/control/bots/$BOT/messages -H 'Content-Type: application/json' \\
    -d '{{"text": "Hello, bot!"}}'
  curl -sS "{sandbox}/control/bots/$BOT/sent?wait=5"

It repeats what people write. Section 6 of docs/scenarios.md shows how to make it say something
else. The commands there need KEY, ID and BOT, which this terminal now has, and these two lines in
place of the same ones there:

  API={url}/api/v1
  SANDBOX={sandbox}/control/bots/$BOT

Ctrl-C ends both.
"""


async def demo(config: Config, *, sandbox_port: int) -> None:
    """Run both until SIGTERM or Ctrl-C.

    Args:
        config: of the server, pointing at the sandbox.
        sandbox_port: where the sandbox listens.
    """
    ending = lifecycle.ending_event()
    with listening_on("127.0.0.1", sandbox_port, setting="--sandbox-port"):
        sandbox_server, sandbox = await serve_sandbox("127.0.0.1", sandbox_port)
    bot = sandbox.add_bot()
    botyard = await open_botyard(config)
    click.echo(
        _TEXT.format(
            url=botyard.url,
            sandbox=config.telegram_api_url,
            token=bot.token,
            bot_id=bot.id,
        )
    )
    try:
        await ending.wait()
        await botyard.drain(lifecycle.DRAIN)
    finally:
        await botyard.close()
        sandbox_server.stop()
        await sandbox_server.close_all_connections()
