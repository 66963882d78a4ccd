"""The sandbox as its callers see it: Telegram's side of the Bot API, held in memory."""

from __future__ import annotations

import time

from sandbox.errors import Dropped
from sandbox.faults import Fault, FaultBoard, Kind
from sandbox.flood import Clock
from sandbox.people_acts import PeopleActs
from sandbox.received import Received
from sandbox.records import Call, Sent


class Sandbox(PeopleActs):
    """All bots of one local Bot API server, their chats, and the faults put in their way.

    Not safe for threads: use it on the event loop that serves it.

    Args:
        flood_per_second: Messages that one bot may send or edit in a second before it gets 429;
            None sets no limit.
        limits: Answer 429 beyond Telegram's own flood limits; see `FloodLimit`.
        strict_polls: Slow polls down that come too often, and conflicts; see `PollRules`.
        delay: Seconds that each call takes on the way, half of them in each direction.
        clock: Monotonic time in seconds, for the limits and the record of what was sent.
    """

    def __init__(
        self,
        *,
        flood_per_second: int | None = None,
        limits: bool = False,
        strict_polls: bool = False,
        delay: float = 0.0,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(
            flood_per_second=flood_per_second,
            limits=limits,
            strict_polls=strict_polls,
            clock=clock,
        )
        self.board = FaultBoard()
        self.delay = delay

    # What people and the bot did

    def received(
        self,
        bot_id: int,
        *,
        after: int = 0,
        limit: int | None = None,
        chat_id: int | None = None,
    ) -> list[Received]:
        """Give what people did, also what the bot was not told of, with `seq` above `after`.

        In one chat, or in all; the oldest first. At most `limit` are given, None sets no limit;
        the last 50 000 are kept.
        """
        return self.bot(bot_id).updates.inbox.received(after=after, limit=limit, chat_id=chat_id)

    def sent(
        self,
        bot_id: int,
        *,
        after: int = 0,
        limit: int | None = None,
        chat_id: int | None = None,
    ) -> list[Sent]:
        """Give what the bot sent or edited with `seq` above `after`; see `received`.

        Each tells what its message is like now.
        """
        return self.bot(bot_id).journal.sent(after=after, limit=limit, chat_id=chat_id)

    async def wait_sent(
        self, bot_id: int, *, count: int = 1, after: int = 0, timeout: float
    ) -> list[Sent]:
        """Wait until the bot has sent `count` messages with `seq` above `after`.

        Raises:
            TimeoutError: It did not within `timeout` seconds; the text tells what it sent.
        """
        journal = self.bot(bot_id).journal
        return await journal.wait_sent(count=count, after=after, timeout=timeout)

    def calls(self, bot_id: int, *, method: str | None = None) -> list[Call]:
        """Give the bot's API calls, oldest first, also those with a token that is revoked."""
        return self.bot(bot_id).journal.calls(method=method)

    def polling(self, bot_id: int) -> bool:
        """Say whether a getUpdates request is held open right now."""
        return self.bot(bot_id).updates.polling

    def pending(self, bot_id: int) -> int:
        """Count the updates that are not confirmed."""
        return len(self.bot(bot_id).updates)

    def confirmed_offset(self, bot_id: int) -> int:
        """Give the offset below which everything is confirmed; 0 before the first."""
        return self.bot(bot_id).updates.confirmed

    # Faults

    def inject(
        self,
        *,
        kind: Kind,
        bot_id: int | None = None,
        method: str | None = None,
        chat_id: int | None = None,
        token: str | None = None,
        text: str | None = None,
        status: int | None = None,
        description: str | None = None,
        retry_after: int | None = None,
        seconds: float | None = None,
        body: str | None = None,
        times: int | None = None,
    ) -> Fault:
        """Put a fault into the way of requests; see `Fault` for the fields.

        Raises:
            InvalidValue: A field is missing or out of its range.
        """
        return self.board.add(
            kind,
            bot_id=bot_id,
            method=method,
            chat_id=chat_id,
            token=token,
            text=text,
            status=status,
            description=description,
            retry_after=retry_after,
            seconds=seconds,
            body=body,
            times=times,
        )

    def clear(self, fault_id: int | None = None) -> None:
        """Remove a fault, or all; requests it holds go on as if it had never been.

        Raises:
            UnknownFault: There is none such.
        """
        self.board.clear(fault_id)

    @property
    def faults(self) -> list[Fault]:
        """The faults that are injected now, also those that have taken all they may."""
        return list(self.board)

    def set_flood_limit(self, bot_id: int, *, per_second: int | None) -> None:
        """Limit what one bot may send or edit in a second; None takes the limit away."""
        self.bot(bot_id).flood.set_per_second(per_second)

    @property
    def limits(self) -> bool:
        """Whether Telegram's own flood limits are on."""
        return self._limits

    def set_limits(self, limits: bool) -> None:
        """Switch Telegram's own flood limits on or off, for all bots; see `FloodLimit`."""
        self._limits = limits
        for bot in self.bots:
            bot.flood.set_limits(limits)

    def refusals(self, bot_id: int) -> int:
        """Count the calls of a bot that a flood limit refused; injected faults do not count."""
        return self.bot(bot_id).flood.refusals

    def drop_polls(self, bot_id: int | None = None) -> int:
        """Cut the connections of held getUpdates requests, of one bot or of all.

        Returns:
            How many there were.
        """
        bots = self.bots if bot_id is None else [self.bot(bot_id)]
        return sum(bot.updates.end_poll(Dropped()) for bot in bots)

    def close(self) -> None:
        """Let go of every request that is held, so that the server can stop."""
        self.board.clear(None)
        self.drop_polls()
