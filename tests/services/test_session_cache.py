"""Sessions that are kept in memory: what drops them, and for how long they count."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.client import Clock

from models.accounts.sessions import SessionRecord
from models.accounts.users import UserRecord
from models.engine.base import now
from services import session_cache
from services.session_cache import TRUSTED, SessionCache


def found(user_id: int, session_id: str) -> tuple[UserRecord, SessionRecord]:
    """An account with a session."""
    moment = now()
    user = UserRecord(
        id=user_id, username=f"user{user_id}", email="", first_name="", last_name="",
        is_staff=False, disabled_at=None, created_at=moment,
    )  # fmt: skip
    later = moment + timedelta(hours=1)
    return user, SessionRecord(session_id, user_id, "", "", moment, moment, later)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> SessionCache:
    cache = SessionCache(clock=clock)
    cache.trust(clock.now)
    return cache


def test_a_session_is_found_for_its_own_account_alone(cache: SessionCache) -> None:
    kept = found(1, "a")
    cache.put(kept, epoch=cache.epoch)
    assert cache.find("a", 1) is kept
    assert cache.find("a", 2) is None
    assert cache.find("b", 1) is None


def test_what_was_read_before_a_session_was_ended_is_not_kept(cache: SessionCache) -> None:
    epoch = cache.epoch
    cache.drop(1)  # while the reading is under way
    cache.put(found(1, "a"), epoch=epoch)
    assert cache.find("a", 1) is None


def test_dropping_an_account_leaves_the_others(cache: SessionCache) -> None:
    for user_id, session_id in ((1, "a"), (1, "b"), (2, "c")):
        cache.put(found(user_id, session_id), epoch=cache.epoch)
    cache.drop(1)
    assert [cache.find("a", 1), cache.find("b", 1)] == [None, None]
    assert cache.find("c", 2) is not None
    cache.clear()
    assert cache.find("c", 2) is None


def test_without_the_database_nothing_counts_for_long(cache: SessionCache, clock: Clock) -> None:
    cache.put(found(1, "a"), epoch=cache.epoch)
    clock.now += TRUSTED - 0.1
    assert cache.find("a", 1) is not None
    clock.now += 0.1
    assert cache.find("a", 1) is None
    cache.trust(clock.now)
    assert cache.find("a", 1) is not None


def test_the_number_of_sessions_is_bounded(
    cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_cache, "SIZE", 2)
    for session_id in "abc":
        cache.put(found(1, session_id), epoch=cache.epoch)
    assert cache.find("a", 1) is None
    assert cache.find("c", 1) is not None
