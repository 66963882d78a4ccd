"""How fast a bot sends, and who goes first: with a clock that jumps to what is due next."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.virtual_time import run_virtually
from telegram.error import RetryAfter

from models.messaging.messages import Lane
from runner.sending.rate_limit import FLOOD_RETRIES, MAX_CHATS, Pacer
from runner.settings import Limit, Limits

CHAT, OTHER, GROUP = 7, 8, -100
FREE = Limit(0.0001, 1000)
SLACK = 0.01  # seconds
Turn = tuple[float, int, Lane]  # when, the chat, the lane


class Senders:
    """Takes turns of a pacer and notes them."""

    def __init__(self, limits: Limits) -> None:
        self.pacer = Pacer(limits)
        self.turns: list[Turn] = []
        self._tasks: list[asyncio.Task[None]] = []

    def want(
        self, chat_id: int, lane: Lane = Lane.DIALOG, *, messages: int = 1
    ) -> asyncio.Task[None]:
        """Wait for a turn, in a task."""

        async def take() -> None:
            await self.pacer.acquire(chat_id, lane, messages=messages)
            turn = asyncio.get_running_loop().time(), chat_id, lane
            self.turns += [turn] * messages

        self._tasks.append(asyncio.create_task(take(), name="sender"))
        return self._tasks[-1]

    async def all(self) -> list[Turn]:
        """Wait for all turns; return them."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.pacer.close()
        return self.turns


def turns_of(limits: Limits, wants: Callable[[Senders], Awaitable[Any] | None]) -> list[Turn]:
    """The turns that some wishes lead to."""

    async def run() -> list[Turn]:
        senders = Senders(limits)
        waiting = wants(senders)
        if waiting is not None:
            await waiting
        return await senders.all()

    return run_virtually(run())


def most_within(turns: list[Turn], seconds: float) -> int:
    """The greatest number of turns within any time of a length."""
    times = [when for when, _, _ in turns]
    return max(sum(begin <= time < begin + seconds - SLACK for time in times) for begin in times)


def test_a_chat_gets_a_burst_and_then_one_a_second() -> None:
    turns = turns_of(Limits(), lambda senders: [senders.want(CHAT) for _ in range(30)] and None)
    times = [when for when, _, _ in turns]
    assert times[17] < 1
    assert all(after - before >= 1 for before, after in itertools.pairwise(times[17:]))
    assert times[-1] < 13


def test_a_broadcast_gets_no_burst_in_a_chat() -> None:
    turns = turns_of(
        Limits(), lambda senders: [senders.want(CHAT, Lane.BROADCAST) for _ in range(4)] and None
    )
    times = [when for when, _, _ in turns]
    assert all(after - before >= 1 for before, after in itertools.pairwise(times))


@pytest.mark.parametrize("messages", [1, 3])
def test_a_group_gets_twenty_a_minute(messages: int) -> None:
    def wants(senders: Senders) -> None:
        for _ in range(60 // messages):
            senders.want(GROUP, messages=messages)

    turns = turns_of(Limits(), wants)
    assert len(turns) == 60
    assert most_within(turns, 60) <= 20
    assert turns[-1][0] < 60 / 15 * 60


def test_a_bot_sends_its_rate_to_all_chats_together() -> None:
    turns = turns_of(Limits(), lambda senders: [senders.want(n) for n in range(1, 301)] and None)
    assert most_within(turns[20:], 1) <= 30
    assert 300 / 30 - 1 < turns[-1][0] < 300 / 28


def test_a_chat_that_waits_holds_up_no_other() -> None:
    def wants(senders: Senders) -> None:
        for _ in range(30):
            senders.want(CHAT)
        senders.want(OTHER)

    turns = turns_of(Limits(bot=FREE), wants)
    assert next(when for when, chat, _ in turns if chat == OTHER) < SLACK


def test_who_comes_later_in_a_better_lane_goes_first() -> None:
    async def wants(senders: Senders) -> None:
        for number in range(1, 41):
            senders.want(number, Lane.BROADCAST)
        await asyncio.sleep(0.35)
        for number, lane in enumerate([Lane.SERVICE, Lane.OPERATOR, Lane.DIALOG], 101):
            senders.want(number, lane)

    turns = turns_of(Limits(bot=Limit(0.1, 1), reserve=0), wants)
    assert [lane for when, _, lane in turns if when > 0.35][:4] == [
        Lane.DIALOG,
        Lane.OPERATOR,
        Lane.SERVICE,
        Lane.BROADCAST,
    ]
    assert len(turns) == 43


def test_a_broadcast_leaves_a_reserve_to_answers() -> None:
    async def wants(senders: Senders) -> None:
        for number in range(1, 101):
            senders.want(number, Lane.BROADCAST)
        await asyncio.sleep(1)
        for number in range(101, 101 + Limits().reserve):
            senders.want(number)

    turns = turns_of(Limits(), wants)
    answers = [when for when, _, lane in turns if lane is Lane.DIALOG]
    assert len(answers) == Limits().reserve
    assert answers[-1] < 1 + SLACK, "at once, though the broadcast takes all it may"


def test_in_a_lane_the_order_is_kept() -> None:
    def wants(senders: Senders) -> None:
        for number in range(1, 41):
            senders.want(number, Lane.OPERATOR)

    turns = turns_of(Limits(bot=Limit(0.1, 1)), wants)
    assert [chat for _, chat, _ in turns] == list(range(1, 41))


@pytest.mark.parametrize("chat", [CHAT, GROUP])
def test_a_429_stops_its_chat_alone(chat: int) -> None:
    def wants(senders: Senders) -> None:
        senders.pacer.pause(chat, Lane.DIALOG, 5)
        for _ in range(3):
            senders.want(chat)
            senders.want(OTHER)

    turns = turns_of(Limits(), wants)
    assert min(when for when, where, _ in turns if where == chat) >= 5 - SLACK
    assert max(when for when, where, _ in turns if where == OTHER) < SLACK


def test_a_429_of_a_broadcast_stops_all_broadcasts_and_nothing_else() -> None:
    def wants(senders: Senders) -> None:
        senders.pacer.pause(CHAT, Lane.BROADCAST, 5)
        for lane in Lane:
            senders.want(OTHER, lane)

    turns = turns_of(Limits(), wants)
    late = {lane for when, _, lane in turns if when >= 5 - SLACK}
    assert late == {Lane.SERVICE, Lane.BROADCAST}


def test_those_that_are_cancelled_take_no_turn() -> None:
    async def wants(senders: Senders) -> None:
        tasks = [senders.want(number) for number in range(1, 31)]
        await asyncio.sleep(0.05)
        for task in tasks[10:29]:
            task.cancel()

    turns = turns_of(Limits(bot=Limit(0.1, 1)), wants)
    assert len(turns) == 11
    assert turns[-1][1] == 30
    assert turns[-1][0] < 1.1, "nobody waits for a turn of one that has gone"


def test_chats_that_are_within_their_limit_are_forgotten() -> None:
    async def run() -> int:
        senders = Senders(Limits())
        for number in range(1, 2001):
            await senders.want(number)
        senders.pacer.close()
        return len(senders.pacer._chats)

    assert run_virtually(run()) <= 2 * MAX_CHATS


WANT = st.tuples(
    st.sampled_from([CHAT, OTHER, GROUP, GROUP - 1]),
    st.sampled_from(Lane),
    st.integers(1, 4),
    st.floats(0, 2),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(WANT, max_size=60))
def test_whatever_is_wanted_is_sent_within_the_limits(
    wanted: list[tuple[int, Lane, int, float]],
) -> None:
    limits = Limits(bot=Limit(0.05, 6), chat=Limit(1.0, 4), group=Limit(2.0, 4), reserve=2)

    async def wants(senders: Senders) -> None:
        for chat, lane, messages, pause in wanted:
            senders.want(chat, lane, messages=messages)
            await asyncio.sleep(pause)

    turns = turns_of(limits, wants)
    assert len(turns) == sum(messages for _, _, messages, _ in wanted)
    for turn in turns:
        since = [other for other in turns if other[0] >= turn[0]]
        for until in since:
            seconds = until[0] - turn[0] + SLACK
            within = [other for other in since if other[0] <= until[0]]
            assert len(within) <= limits.bot.burst + seconds / limits.bot.interval
            for chat, limit in ((turn[1], limits.chat if turn[1] > 0 else limits.group),):
                number = sum(other[1] == chat for other in within)
                assert number <= limit.burst + seconds / limit.interval


class TestTheLibrarysCalls:
    """Calls of python-telegram-bot's own methods."""

    def call(self, pacer: Pacer, callback: Any, **data: Any) -> Coroutine[Any, Any, Any]:
        """Make one through the limiter."""
        return pacer.process_request(callback, (), {}, data.pop("endpoint", "send"), data, None)

    def test_a_429_is_waited_out_and_in_the_end_told(self) -> None:
        calls: list[float] = []

        async def callback() -> None:
            calls.append(asyncio.get_running_loop().time())
            raise RetryAfter(3)

        async def run() -> None:
            with pytest.raises(RetryAfter):
                await self.call(Pacer(Limits()), callback, chat_id=CHAT)

        run_virtually(run())
        assert len(calls) == FLOOD_RETRIES + 1
        assert all(b - a >= 3 - SLACK for a, b in itertools.pairwise(calls))

    def test_what_sends_nothing_does_not_wait(self) -> None:
        async def callback() -> float:
            return asyncio.get_running_loop().time()

        async def run() -> list[float]:
            pacer = Pacer(Limits())
            pacer.pause(CHAT, Lane.DIALOG, 100)
            return [
                await self.call(pacer, callback, endpoint="sendChatAction", chat_id=CHAT),
                await self.call(pacer, callback, endpoint="getMe"),
            ]

        assert run_virtually(run()) == pytest.approx([0, 0], abs=SLACK)
