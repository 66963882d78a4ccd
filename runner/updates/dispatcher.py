"""One attempt to handle one update."""

from __future__ import annotations

import asyncio
from collections.abc import Set

from models.messaging.effects import Effects
from models.redaction import keep_secret
from runner.loop_pacer import LoopPacer
from runner.stop_signal import StopSignal
from runner.telegram.application import BotApplication, Turn
from runner.updates.incoming import IncomingUpdate, flaw_of


class NotUnderstood(Exception):
    """An update is not what the Bot API describes: trying again cannot help."""


def _check(update: IncomingUpdate) -> None:
    flaw = flaw_of(update.raw)
    if flaw is not None:
        raise NotUnderstood(flaw)


class Dispatcher:
    """Handles updates of one bot.

    Args:
        token: the bot's token, which must not be logged.
        application: has the handlers.
        blocked: the chats that are stored as refusing the bot's messages.
        loop_pacer: bounds how many handlers begin in one turn of the loop.
        chats_parallel: how many chats are served at once.
        stop: set when the bot is being stopped.
    """

    def __init__(
        self,
        token: str,
        application: BotApplication,
        *,
        blocked: Set[int],
        loop_pacer: LoopPacer,
        chats_parallel: int,
        stop: StopSignal,
    ) -> None:
        self._token = token
        self._application = application
        self._blocked = blocked
        self._loop_pacer = loop_pacer
        self._slots = asyncio.Semaphore(chats_parallel)
        self._stop = stop

    async def dispatch(self, update: IncomingUpdate) -> Effects:
        """Handle an update.

        Returns:
            Its effects, which are to be stored.

        Raises:
            Stopped: the bot is being stopped; nothing was done.
            NotUnderstood: the update cannot be handled.
            Exception: whatever the handler failed with.
        """
        keep_secret(self._token)  # the task may be the child of somebody's request
        await self._loop_pacer.wait()
        _check(update)
        async with self._slots:
            return await self._handle(update)

    async def dispatch_at_once(self, update: IncomingUpdate) -> Effects | None:
        """Handle an update if that needs no waiting.

        Returns:
            Its effects; None if the handler failed or waits for something. Nothing was done then.
        """
        await self._loop_pacer.wait()
        handling = self._handle(update, at_once=True)
        try:
            _check(update)
            handling.send(None)
        except StopIteration as done:
            effects: Effects = done.value
            return effects
        except (Exception, asyncio.CancelledError):  # nobody can have cancelled one step
            return None
        finally:
            handling.close()
        return None

    async def _handle(self, update: IncomingUpdate, *, at_once: bool = False) -> Effects:
        self._stop.check()
        turn = Turn(update, at_once=at_once)
        await self._application.process_update(turn)
        self._track_membership(turn)
        return turn.effects

    def _track_membership(self, turn: Turn) -> None:
        """Track chats that blocked the bot; a new message unblocks one."""
        if (status := turn.update.membership) is not None:
            self._set_blocked(turn, blocked=status in ("kicked", "left"))
        elif turn.update.kind == "message":
            self._set_blocked(turn, blocked=False)

    def _set_blocked(self, turn: Turn, *, blocked: bool) -> None:
        known = turn.update.chat_id in self._blocked
        turn.effects.blocked = None if known is blocked else blocked
