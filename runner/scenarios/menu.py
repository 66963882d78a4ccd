"""The menu of one run of a bot: brings what Telegram shows to what its scenario says."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any

import orjson
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError

from dialogs.scenarios.menu import Commands
from models.dialogs.menus import Refused, Work
from models.errors import NotOwner, StorageError
from models.redaction import foreign, keep_secret
from runner.scenarios.menu_store import MenuStore
from runner.sending.rate_limit import seconds_of
from runner.sending.sender import SenderContext

MAX_ERROR = 300  # characters of Telegram's words that are kept

log = logging.getLogger("botyard.runner")


class _Superseded(Exception):
    """A later version was published: its menu is set in place of this one."""


class Menu:
    """Sets the menu of a bot beside its messages; nothing waits for it.

    Args:
        shared: the objects that the bot's messages share.
        store: has the menus.
    """

    def __init__(self, shared: SenderContext, store: MenuStore) -> None:
        self._shared = shared
        self._store = store
        self._wanted = 0  # the latest version of which it is known that its menu is to be set
        self._set = 0  # the last one whose menu was
        self._task: asyncio.Task[None] | None = None

    @property
    def _bot_id(self) -> int:
        return self._shared.writer.bot_id

    def want(self, version: int) -> None:
        """Begin to set the menu of a version, unless it is set or being set already."""
        self._wanted = max(self._wanted, version)
        is_busy = self._task is not None and not self._task.done()
        if is_busy or self._set >= self._wanted or self._shared.stop.is_set:
            return
        name = f"menu of bot {self._bot_id}"
        self._task = asyncio.create_task(self._run(), name=name)
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._task is task:  # and no other was started since it ended
            self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            # the bot runs on; the next look at its scenario, or its next start, tries again
            log.error("%s is not set", task.get_name(), exc_info=error)

    async def _run(self) -> None:
        keep_secret(self._shared.client.token)  # the task may be the child of somebody's request
        failures = 0
        while self._set < self._wanted:
            wanted = self._wanted
            try:
                work = await self._store.work(self._bot_id)
                if work is None or not await self._carry_out(work):
                    self._set = max(self._set, wanted)  # or another run has to, or a later one is
            except _Superseded:
                continue
            except NotOwner:
                return  # whoever runs the bot now sets it
            except StorageError as error:
                failures += 1
                log.warning("bot %d: its menu is not set yet: %s", self._bot_id, error)
                await asyncio.sleep(self._shared.settings.backoff(failures))

    async def _carry_out(self, work: Work) -> bool:
        """Set a menu; return False if another run has to, or there is a later one."""
        wanted = await self._store.lists(work)
        writer, refused = self._shared.writer, list[Refused]()
        left = [language for language in work.languages if language not in wanted]
        if not await self._store.begin(writer, work.version, [*left, *wanted]):
            return False
        for language in left:
            await self._delete(language, work, refused)
        shown = []
        for language, commands in wanted.items():
            if await self._set_one(language, commands, work, refused):
                shown.append(language)
        if not await self._store.finish(writer, work.version, shown, refused):
            return False
        self._set = max(self._set, work.version)
        log.info("bot %d: the menu of version %d is set", self._bot_id, work.version)
        return True

    async def _set_one(
        self, language: str, commands: Commands, work: Work, refused: list[Refused]
    ) -> bool:
        """Set the menu of a language, without what Telegram refuses; return False if none is left.

        Telegram does not tell which command it refuses. So what is refused is halved until it is
        one command, and all that is accepted stays: a call that is refused changes nothing at
        Telegram, which therefore has the accepted ones at any time.
        """
        accepted: Commands = []
        todo = deque([commands])
        while todo:
            part = todo.popleft()
            error = await self._call("setMyCommands", language, work, accepted + part)
            if error is None:
                accepted += part
            elif "lang" in error.lower():  # no command is to blame
                refused.append(Refused(language, None, error))
                return bool(accepted)
            elif len(part) == 1:
                refused.append(Refused(language, part[0]["command"], error))
            else:
                middle = len(part) // 2
                todo.extendleft((part[middle:], part[:middle]))
        if not accepted:
            await self._delete(language, work, refused)
        return bool(accepted)

    async def _delete(self, language: str, work: Work, refused: list[Refused]) -> None:
        error = await self._call("deleteMyCommands", language, work)
        if error is not None:
            refused.append(Refused(language, None, error))

    async def _call(
        self, method: str, language: str, work: Work, commands: Commands | None = None
    ) -> str | None:
        """Make a call of the Bot API until it is done or refused.

        It takes no turn of the pacer, which gives out those of messages; nor does a 429 of it hold
        messages back. A call whose answer is lost is made again: it has the same effect twice.

        Returns:
            Telegram's words if it is refused; None if it is done.

        Raises:
            _Superseded: a later version was published.
        """
        parameters: dict[str, Any] = {} if commands is None else {"commands": commands}
        if language:
            parameters["language_code"] = language
        body, failures = orjson.dumps(parameters), 0
        while True:
            if self._wanted > work.version:
                raise _Superseded
            try:
                await self._shared.client.call_encoded(method, body)
                return None
            except (BadRequest, Forbidden) as error:
                return foreign(error.message, limit=MAX_ERROR)
            except RetryAfter as error:
                delay = seconds_of(error)
            except TelegramError as error:
                failures += 1
                delay = self._shared.settings.backoff(failures)
                log.info("bot %d: %s: %s", self._bot_id, method, error.message)
            await asyncio.sleep(delay)

    async def close(self) -> None:
        """End at once: what is not set is set when the bot runs again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
