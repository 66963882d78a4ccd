"""What a process writes for its bots, and what it may not write any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from support.client import DEADLINE
from support.owners import Owner, batch, handled, owner

from models.bots import runs
from models.bots.records import RunRecord, Writer
from models.engine import bulk
from models.errors import NotOwner, ProcessLost
from models.messaging.flush import flush
from models.messaging.marks import Claim, Flush, Result
from models.messaging.messages import MessageState
from runner.group_commit import GroupCommit


@pytest.fixture
async def mine(pg_url: str) -> AsyncIterator[Owner]:
    """A process, and the row of another one."""
    async with owner(pg_url) as one:
        yield one


@pytest.fixture
async def commits(mine: Owner) -> AsyncIterator[GroupCommit]:
    """The group commit of the process."""
    shared = GroupCommit(mine.db, owner_id=lambda: mine.fence.process_id)
    yield shared
    await shared.close()


async def test_updates_of_a_bot_of_another_process_are_not_stored(
    mine: Owner, commits: GroupCommit
) -> None:
    here, gone = await mine.add_bot(mine.id), await mine.add_bot(mine.other)
    free = await mine.add_bot(None)
    stored = [commits.add_batch(batch(here, mine.id, 1, 2))]
    refused = [commits.add_batch(batch(bot, mine.id, 1, 2)) for bot in (gone, free)]
    stored.append(commits.add_batch(batch(await mine.add_bot(mine.id), mine.id, 5)))
    for future in refused:
        with pytest.raises(NotOwner):
            await future
    assert [len((await future).new) for future in stored] == [2, 1]
    assert await mine.stored(here) == {1: False, 2: False}
    assert await mine.stored(gone) == await mine.stored(free) == {}
    offsets = "SELECT update_offset FROM bots WHERE id = ANY(%s) ORDER BY id"
    assert await mine.rows(offsets, [here, gone, free]) == [(3,), (0,), (0,)]


async def test_nothing_is_stored_for_a_bot_with_a_new_token(mine: Owner) -> None:
    bot = await mine.add_bot(mine.id)
    await mine.rows("UPDATE bots SET token_generation = 2 WHERE id = %s", bot)
    with pytest.raises(NotOwner):
        await mine.db.write_as_owner(flush, Flush([batch(bot, mine.id, 1)]))
    assert await mine.stored(bot) == {}


async def test_the_state_of_a_bot_is_not_written_by_its_former_owner(mine: Owner) -> None:
    bot = await mine.add_bot(mine.other)
    run = RunRecord(5, "running", None, None, datetime.now(UTC).replace(tzinfo=None), 0, None, None)
    await mine.db.write(
        runs.save, [(bot, replace(run, generation=1, state="starting"))], mine.other
    )
    before = await mine.rows("SELECT * FROM runs WHERE bot_id = %s", bot)
    await mine.db.write_as_owner(runs.save, [(bot, run)], mine.id)
    assert await mine.rows("SELECT * FROM runs WHERE bot_id = %s", bot) == before
    await mine.rows("UPDATE bots SET owner_id = %s WHERE id = %s", mine.id, bot)
    await mine.db.write_as_owner(runs.save, [(bot, run)], mine.id)
    assert await mine.rows("SELECT state FROM runs WHERE bot_id = %s", bot) == [("running",)]


async def test_marks_of_a_lost_identity_are_failed(mine: Owner, commits: GroupCommit) -> None:
    bot, before = await mine.add_bot(mine.id), mine.id
    await commits.add_batch(batch(bot, before, 1, 2))
    await mine.rows("DELETE FROM processes WHERE id = %s", before)
    with pytest.raises(ProcessLost):
        await commits.add_handled(handled(bot, before, 1))
    assert mine.lost == [True]

    mine.fence.process_id = None  # until it begins anew
    with pytest.raises(ProcessLost):
        await commits.add_handled(handled(bot, before, 1))

    mine.fence.process_id = await mine.register("mine", mine.fence.session)
    await mine.rows("UPDATE bots SET owner_id = %s WHERE id = %s", mine.id, bot)
    with pytest.raises(ProcessLost):
        await commits.add_handled(handled(bot, before, 2))
    assert await mine.stored(bot) == {1: False, 2: False}
    await commits.add_handled(handled(bot, mine.id, 2))
    assert await mine.stored(bot) == {1: False, 2: True}


async def test_marks_that_are_tried_one_by_one_keep_their_identity(
    mine: Owner, commits: GroupCommit
) -> None:
    bot, gone, before = await mine.add_bot(mine.id), await mine.add_bot(mine.other), mine.id
    await commits.add_batch(batch(bot, before, 1))
    after = await mine.register("mine", mine.fence.session)

    def lost_in_the_middle() -> int:
        mine.fence.process_id = after  # the commit fails, and then it is another process
        return before

    mine.fence.identity = lost_in_the_middle  # type: ignore[method-assign]
    refused = commits.add_batch(batch(gone, before, 1))
    mark = commits.add_handled(handled(bot, before, 1))
    with pytest.raises(NotOwner):
        await refused
    with pytest.raises(ProcessLost):
        await mark
    assert await mine.stored(bot) == {1: False}


@pytest.mark.parametrize("is_same", [True, False])
async def test_the_id_of_a_message_alone_is_no_identity(
    mine: Owner, commits: GroupCommit, is_same: bool
) -> None:
    """A promoted standby that lacks a message gives its id to the next one, of any bot."""
    here, other = await mine.add_bot(mine.id), await mine.add_bot(mine.id)
    ((number,),) = await mine.rows(
        "INSERT INTO messages (bot_id, chat_id, lane, state, method, parameters, typing, "
        "created_at) VALUES (%s, 7, 1, 'queued', 'sendMessage', '{}', 0, now()) RETURNING id",
        here if is_same else other,
    )
    writer = Writer(here, 1, mine.id)
    claimed = await commits.add_claim(Claim(writer, (number,)))
    assert claimed == (("sendMessage", b"{}") if is_same else None)
    await commits.add_result(Result(writer, [(number, 70)], MessageState.SENT))
    rows = await mine.rows("SELECT state, telegram_id FROM messages")
    assert rows == [("sent", 70) if is_same else ("queued", None)]


def locks(*bot_ids: int, between: Callable[[], object] = lambda: None) -> Callable[[], None]:
    """A function that locks bots in this order."""

    def run() -> None:
        for bot_id in bot_ids:
            bulk.execute("UPDATE bots SET title = title || 'x' WHERE id = ?", bot_id)
            between()

    return run


@pytest.mark.parametrize("is_shared", [False, True])
async def test_a_deadlock_is_tried_again(mine: Owner, is_shared: bool) -> None:
    one, two, three = [await mine.add_bot(mine.id) for _ in range(3)]
    release = threading.Event()
    writes: list[asyncio.Task[object]] = []
    if is_shared:
        writes.append(asyncio.create_task(mine.db.write(release.wait, DEADLINE)))
    has_first, go_on = threading.Event(), threading.Event()

    def meanwhile() -> None:
        has_first.set()
        assert go_on.wait(DEADLINE)

    writes.append(asyncio.create_task(mine.db.write_as_owner(locks(one, two, between=meanwhile))))
    if is_shared:
        writes.append(asyncio.create_task(mine.db.write_as_owner(locks(three))))
    await asyncio.sleep(0)  # they are queued, and share a commit
    release.set()
    async with await mine.connect() as other:
        await other.execute("SET deadlock_timeout = '20s'")  # PostgreSQL undoes the other one
        await other.execute("UPDATE bots SET title = 'y' WHERE id = %s", (two,))
        assert await asyncio.to_thread(has_first.wait, DEADLINE)
        go_on.set()
        await mine.until_waiting()
        await other.execute("UPDATE bots SET title = 'y' WHERE id = %s", (one,))
        await other.commit()
    await asyncio.gather(*writes)
    titles = await mine.rows("SELECT title FROM bots ORDER BY id")
    assert titles == [("yx",), ("yx",), ("x" if is_shared else "",)]
