"""What readers of live events get, and in which order."""

from __future__ import annotations

import pytest

from runner.live.hub import GONE, EventHub, EventKind, Subscription

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
