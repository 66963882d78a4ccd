"""What readers of live events get, and in which order."""

from __future__ import annotations

import asyncio
import gc

import pytest
from support.virtual_time import run_virtually

from runner.live.events import Event, EventKind
from runner.live.hub import EventHub, Subscription
from runner.live.recent_events import GONE, HISTORY, LINGER

ANN = 1


@pytest.fixture
def hub() -> EventHub:
    """A hub of a server."""
    return EventHub()


def subscribe(hub: EventHub, *, last_id: str | None = None) -> Subscription:
    """A reader of Ann's events."""
    return hub.subscribe(ANN, session_id="s", last_id=last_id)


async def test_nothing_follows_the_deletion_of_a_bot(hub: EventHub) -> None:
    reader = subscribe(hub)
    hub.publish(ANN, EventKind.DELETED, 5)
    for late in EventKind:  # read from the database before the deletion
        hub.publish(ANN, late, 5)
    hub.publish(ANN, EventKind.STATE, 6)
    events = await reader.next(1.0)
    assert [(event.kind, event.bot_id) for event in events] == [
        (EventKind.DELETED, 5),
        (EventKind.STATE, 6),
    ]


async def test_only_the_latest_deletions_are_remembered(hub: EventHub) -> None:
    for bot_id in range(GONE + 1):
        hub.publish(ANN, EventKind.DELETED, bot_id)
    reader = subscribe(hub)
    hub.publish(ANN, EventKind.STATE, 1)
    hub.publish(ANN, EventKind.STATE, 0)
    assert [event.bot_id for event in await reader.next(1.0)] == [0]


async def test_a_restart_takes_what_waits_and_the_ids_before_it(hub: EventHub) -> None:
    reader = subscribe(hub)
    hub.publish(ANN, EventKind.STATE, 5)
    [before] = await reader.next(1.0)
    hub.publish(ANN, EventKind.STATE, 6)
    hub.restart()
    assert await reader.next(1.0) == []
    assert reader.is_stale
    assert subscribe(hub, last_id=before.id).missed is None
    hub.publish(ANN, EventKind.STATE, 7)
    [after] = await reader.next(1.0)
    assert after.bot_id == 7
    assert subscribe(hub, last_id=after.id).missed == []


# -- readers that leave; the clock jumps


async def read_one(hub: EventHub, reader: Subscription) -> str:
    """Publish an event and read it; its id."""
    hub.publish(ANN, EventKind.STATE, 5)
    [event] = await reader.next(1.0)
    return event.id


def test_who_comes_back_in_time_has_missed_nothing(hub: EventHub) -> None:
    async def run() -> list[int] | None:
        reader = subscribe(hub)
        last_id = await read_one(hub, reader)
        hub.unsubscribe(ANN, reader)
        assert (hub.total, hub.readers(ANN)) == (0, 0)
        hub.publish(ANN, EventKind.STATE, 6)
        await asyncio.sleep(LINGER - 1)
        assert hub.listened_to(ANN)
        hub.publish(ANN, EventKind.STATE, 7)
        missed = subscribe(hub, last_id=last_id).missed
        return missed and [event.bot_id for event in missed]

    assert run_virtually(run()) == [6, 7]


def test_who_comes_back_later_begins_anew(hub: EventHub) -> None:
    async def run() -> None:
        reader = subscribe(hub)
        last_id = await read_one(hub, reader)
        hub.unsubscribe(ANN, reader)
        await asyncio.sleep(LINGER + 1)
        assert not hub.users
        assert not hub.listened_to(ANN)
        assert subscribe(hub, last_id=last_id).missed is None

    run_virtually(run())


def test_a_reader_that_has_come_back_outlives_the_time(hub: EventHub) -> None:
    async def run() -> None:
        first = subscribe(hub)
        last_id = await read_one(hub, first)
        hub.unsubscribe(ANN, first)
        await asyncio.sleep(LINGER - 1)
        second = subscribe(hub, last_id=last_id)
        await asyncio.sleep(2)
        last_id = await read_one(hub, second)
        hub.unsubscribe(ANN, second)
        await asyncio.sleep(LINGER - 1)  # the time begins with the last reader's leaving
        assert subscribe(hub, last_id=last_id).missed == []

    run_virtually(run())


def test_another_reader_keeps_the_events(hub: EventHub) -> None:
    async def run() -> None:
        stays, leaves = subscribe(hub), subscribe(hub)
        last_id = await read_one(hub, stays)
        hub.unsubscribe(ANN, leaves)
        await asyncio.sleep(2 * LINGER)
        hub.publish(ANN, EventKind.STATE, 6)
        missed = subscribe(hub, last_id=last_id).missed
        assert missed is not None
        assert [event.bot_id for event in missed] == [6]

    run_virtually(run())


def test_a_hub_that_was_closed_waits_for_nobody(hub: EventHub) -> None:
    async def run() -> int:
        gone, stays = subscribe(hub), hub.subscribe(ANN + 1, session_id="s", last_id=None)
        hub.unsubscribe(ANN, gone)
        hub.close()
        assert hub.users == {ANN + 1}
        assert stays.closed
        hub.unsubscribe(ANN + 1, stays)
        assert not hub.users
        timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        return sum(not timer.cancelled() for timer in timers)

    assert run_virtually(run()) == 0


def kept(bot_id: int) -> int:
    """The number of events of a bot that are in memory."""
    return sum(isinstance(one, Event) and one.bot_id == bot_id for one in gc.get_objects())


def test_readers_that_left_leave_nothing_in_memory(hub: EventHub) -> None:
    users, bot_id = 50, 10**12

    async def run() -> list[int]:
        counts = []
        for user_id in range(users):
            reader = hub.subscribe(user_id, session_id="s", last_id=None)
            for _ in range(HISTORY + 10):
                hub.publish(user_id, EventKind.STATE, bot_id)
            hub.unsubscribe(user_id, reader)
        del reader
        counts.append(kept(bot_id))
        await asyncio.sleep(LINGER + 1)
        counts.append(kept(bot_id))
        for user_id in range(users):  # nobody gathers any longer
            hub.publish(user_id, EventKind.STATE, bot_id)
        return [*counts, kept(bot_id)]

    assert run_virtually(run()) == [users * HISTORY, 0, 0]
