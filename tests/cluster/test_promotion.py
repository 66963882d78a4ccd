"""A standby of PostgreSQL is promoted while users write: what is kept, and what cannot be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import pytest
from support.client import until
from support.ensemble import Ensemble
from support.numbered import Chat, NumberedLoad
from support.servers_state import (
    add_bots,
    elsewhere,
    logged,
    polled_elsewhere,
    until_shared,
)
from support.standby import Pair, primary_and_standby

NAMES = ["one", "two"]
Key = tuple[int, int]  # bot and id of an update


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """A primary, and a standby that follows it."""
    async with primary_and_standby() as both:
        yield both


@pytest.fixture
async def on_pair(ensemble: Ensemble, pair: Pair) -> AsyncIterator[Ensemble]:
    """Servers that are not started yet, with a URL that lists both hosts."""
    async with AsyncExitStack() as stack:
        yield replace(ensemble, url=pair.url, stack=stack, servers={})


@dataclass
class Forgotten:
    """What Telegram was told to forget."""

    keys: set[Key] = field(default_factory=set)

    def listen(self, load: NumberedLoad) -> None:
        """Note it from now on."""
        for bot in load.bots:
            bot.updates.on_forget = lambda ids, bot=bot: self.keys.update(
                (bot.id, number) for number in ids
            )


async def journaled(ensemble: Ensemble) -> set[Key]:
    """What is in the journal."""
    rows = await ensemble.rows(
        "SELECT telegram_id, update_id FROM updates JOIN bots ON bots.id = bot_id"
    )
    return {(bot, number) for bot, number in rows}


def answered(load: NumberedLoad) -> set[tuple[Chat, int]]:
    """Which messages have an answer: chat and number."""
    return {(chat, number) for chat, numbers in load.answers().items() for number in numbers}


def repeats(load: NumberedLoad) -> dict[Chat, int]:
    """How many answers of each chat were sent twice, after a check of the order of the first."""
    found = {}
    for chat, numbers in load.answers().items():
        firsts = list(dict.fromkeys(numbers))
        assert firsts == sorted(firsts), f"{chat}: out of order: {numbers}"
        found[chat] = len(numbers) - len(firsts)
    return found


async def check_identities(ensemble: Ensemble, load: NumberedLoad) -> None:
    """Check that nothing that is stored is taken for something else of the same number."""
    rows = await ensemble.rows("SELECT name, session FROM processes")
    assert sorted(name for name, _ in rows) == sorted(NAMES)
    assert len({session for _, session in rows}) == len(rows)
    sent = {
        (bot.id, one.chat_id, one.message_id): one.text
        for bot in load.bots
        for one in load.telegram.sent(bot.id)
    }
    stored = await ensemble.rows(
        "SELECT bots.telegram_id, chat_id, messages.telegram_id, parameters, messages.id "
        "FROM messages JOIN bots ON bots.id = bot_id WHERE state = 'sent'"
    )
    for bot, chat, message, parameters, number in stored:
        text = json.loads(bytes(parameters))["text"]
        assert sent[bot, chat, message] == text, f"message {number} has another one's outcome"


async def check_owners(ensemble: Ensemble, load: NumberedLoad) -> None:
    """Check that each bot is polled by its owner, by no other, and that each has its share."""
    await until_shared(ensemble, *NAMES, each=len(load.bots) // len(NAMES))
    rows = await ensemble.rows(
        "SELECT telegram_id, name FROM bots JOIN processes ON processes.id = owner_id"
    )
    owners = {bot: name == "two" for bot, name in rows}
    await until(
        lambda: polled_elsewhere(ensemble, load.bots) == owners, "each bot is polled by its owner"
    )
    conflicts = load.conflicts()
    seen = {bot: len(load.telegram.calls(bot, method="getUpdates")) for bot in owners}
    load.write()  # each is polled again
    await until(
        lambda: all(
            len(load.telegram.calls(bot, method="getUpdates")) > count
            for bot, count in seen.items()
        ),
        "the next polls",
    )
    assert load.conflicts() == conflicts, "two servers poll one bot"


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_promotion_of_a_synchronous_standby_loses_nothing(
    on_pair: Ensemble, pair: Pair
) -> None:
    await pair.make_synchronous()
    await on_pair.start("one")
    await on_pair.start("two", **elsewhere(on_pair))
    load = await add_bots(on_pair, "one", 6)
    await until_shared(on_pair, *NAMES, each=3)
    forgotten = Forgotten()
    forgotten.listen(load)
    before = await on_pair.rows("SELECT name, id FROM processes ORDER BY id")
    async with load.writing():
        await load.go_on(3)
        load.write()  # some are on their way
        await pair.fail_over()
        told = set(forgotten.keys)
        lost = told - await journaled(on_pair)
        await load.go_on(3)
    assert not lost, "Telegram has forgotten messages that are not in the journal"
    assert told
    repeated = await load.finish(repeats=1, deadline=120)
    assert forgotten.keys <= await journaled(on_pair)
    assert await on_pair.rows("SELECT name, id FROM processes ORDER BY id") == before
    await check_owners(on_pair, load)
    await until(load.is_answered, "an answer to each")
    await check_identities(on_pair, load)
    asked = sum(load.asked.values())
    print(
        f"\nsynchronous: {asked} messages, {len(told)} forgotten before, lost 0, {repeated} again"
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_promotion_of_an_asynchronous_standby_loses_the_last_messages_and_all_go_on(
    on_pair: Ensemble, pair: Pair
) -> None:
    await on_pair.start("one")
    load = await add_bots(on_pair, "one", 6)
    forgotten = Forgotten()
    forgotten.listen(load)
    load.write()
    await until(load.is_answered, "answers")
    await pair.until_level(sync=False)
    pair.line.black_hole()
    # The standby knows nothing of the second server, and of none of these messages.
    await on_pair.start("two", **elsewhere(on_pair))
    await until_shared(on_pair, *NAMES, each=3)
    for _ in range(5):  # it takes seconds to answer these, as Telegram's limits demand
        load.write()
    await until(
        lambda: not any(load.telegram.pending(bot.id) for bot in load.bots),
        "Telegram was told to forget all",
    )
    await pair.fail_over()
    missing = forgotten.keys - await journaled(on_pair)
    await until(lambda: logged(on_pair, "two", "declared dead"), "the fence")

    last = dict(load.asked)
    load.write()
    new = {(chat, number + 1) for chat, number in last.items()}
    await until(lambda: new <= answered(load), "answers to new messages", deadline=60)
    async with load.writing():
        await load.go_on(3)
    new = {
        (chat, number)
        for chat, numbers in load.asked.items()
        for number in range(last[chat] + 1, numbers + 1)
    }
    await until(lambda: new <= answered(load), "answers to new messages", deadline=60)
    await check_owners(on_pair, load)
    new |= {(chat, number) for chat, number in load.asked.items()}
    await until(lambda: new <= answered(load), "answers to new messages", deadline=60)
    await check_identities(on_pair, load)
    again = repeats(load)
    stored = await journaled(on_pair)
    lost = {
        load.updates[key]
        for key in forgotten.keys - stored
        if load.updates[key] not in answered(load)
    }
    print(
        f"\nasynchronous: {sum(load.asked.values())} messages, {len(missing)} forgotten and not "
        f"on the standby, {len(lost)} of them lost for good, {sum(again.values())} again"
    )
    assert lost, "the loss of which docs/scaling.md warns"
    assert lost == {load.updates[key] for key in load.updates} - answered(load), "no others"
    assert max(again.values()) <= 1
