"""Answers do not contradict themselves: a bot's row and its status are of one moment."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from support.client import ADMIN_BOTS, BOTS, DEADLINE, QUICK, Client, until

from models.accounts import administration
from models.accounts.users import User
from models.bots import bots, runs
from models.bots.records import RunRecord
from models.bots.tables import Bot, Run
from models.bots.vault import Vault
from models.engine.base import now
from runner import statuses
from runner.settings import RunnerTuning
from runner.states import ALIVE, BotState
from sandbox import Sandbox
from server.app import Botyard

# What an active bot may do, and one that is off.
FITTING = {
    True: {"starting", "running", "retrying", "failed", "stopping"},
    False: {"stopped", "stopping"},
}


def contradicts(shown: dict[str, Any]) -> bool:
    """Say whether an answer about a bot says two things at once."""
    return shown["status"]["state"] not in FITTING[shown["active"]]


async def test_no_answer_contradicts_itself_while_twenty_clients_switch(
    ann: Client, root: Client, telegram: Sandbox
) -> None:
    made = [await ann.add_bot(telegram.add_bot()) for _ in range(2)]
    wrong: list[Any] = []
    answers: Counter[str] = Counter()

    def look(what: str, *shown: dict[str, Any]) -> None:
        answers[what] += 1
        wrong.extend((what, one["active"], one["status"]) for one in shown if contradicts(one))

    async def switch(number: int) -> None:
        path = f"{BOTS}{made[number % 2]['id']}/"
        for n in range(8):
            look("PATCH", (await ann.patch(path, {"active": (n + number) % 2 == 0})).json)
            look("GET", (await ann.get(path)).json)
            look("list", *(await ann.get(BOTS)).json)
            look("staff", *(await root.get(f"{ADMIN_BOTS}?state=running")).json["results"])

    await asyncio.gather(*(switch(number) for number in range(20)))
    assert wrong == []
    assert answers.total() == 20 * 8 * 4


@pytest.mark.parametrize("path", ["one", "list", "staff", "staff list"])
async def test_a_switch_between_the_row_and_the_status_is_noticed(
    path: str,
    ann: Client,
    root: Client,
    telegram: Sandbox,
    botyard: Botyard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = await ann.add_bot(telegram.add_bot())
    one, admin = f"{BOTS}{made['id']}/", f"{ADMIN_BOTS}{made['id']}/"
    client, address = {
        "one": (ann, one),
        "list": (ann, BOTS),
        "staff": (root, admin),
        "staff list": (root, ADMIN_BOTS),
    }[path]
    read = botyard.services.db.read
    turns = itertools.count()

    async def read_then_switch(fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the owner switch the bot off when its row has just been read."""
        found = await read(fn, *args, **kwargs)
        if args and isinstance(args[0], Vault) and next(turns) == 0:
            assert (await ann.patch(one, {"active": False})).json["active"] is False
        return found

    monkeypatch.setattr(botyard.services.db, "read", read_then_switch)
    shown = (await client.get(address)).json
    if path == "staff list":
        shown = shown["results"]
    shown = shown[0] if path.endswith("list") else shown
    # as it was when it was read, or as it is: nothing in between
    assert (shown["active"], shown["status"]["state"]) in {(True, "running"), (False, "stopped")}


async def test_a_switch_that_is_not_in_the_rows_yet_has_the_bot_read_again(
    ann: Client, telegram: Sandbox, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses, "DELAY", 3600.0)
    made = await ann.add_bot(telegram.add_bot())
    services = botyard.services
    before = await services.db.read(bots.list_for, services.vault, ann.user["pk"])
    await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
    assert services.runner.statuses.latest(made["id"]) is not None
    ((bot, status),) = await services.runner.views.pair(before)
    assert (bot.active, status.state) == (False, "stopped")


class TestSlowStop:
    """With handlers that have long to finish when their bot is switched off."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        return replace(QUICK, send_grace=DEADLINE)

    async def test_it_is_told_to_whoever_looks_meanwhile(
        self, ann: Client, telegram: Sandbox
    ) -> None:
        bot = telegram.add_bot()
        made = await ann.add_bot(bot)
        telegram.inject(kind="hold", bot_id=bot.id, method="sendMessage")
        telegram.send_message(bot.id, text="stuck")
        await until(lambda: telegram.calls(bot.id, method="sendMessage"))
        path = f"{BOTS}{made['id']}/"
        switching = asyncio.create_task(ann.patch(path, {"active": False}), name="off")
        await ann.until_state(made, "stopping")
        assert (await ann.get(path)).json["active"] is False
        assert not switching.done()
        telegram.clear()
        assert (await switching).json["status"]["state"] == "stopped"


@pytest.mark.parametrize(
    ("active", "suspended", "run", "shown"),
    [
        (True, False, None, "starting"),
        (False, False, None, "stopped"),
        (True, True, None, "stopped"),
        (True, False, (1, "stopped"), "starting"),
        (True, False, (1, "failed"), "starting"),
        (False, False, (1, "running"), "stopping"),
        (True, True, (1, "retrying"), "stopping"),
        (False, False, (1, "failed"), "stopped"),
        (True, False, (2, "failed"), "failed"),
        (False, False, (2, "stopping"), "stopping"),
        (True, False, (2, "stopped"), "stopping"),
        (True, True, (2, "stopped"), "stopped"),
    ],
)
async def test_the_state_that_is_shown_is_that_of_the_rows_and_the_filter_agrees(
    active: bool,
    suspended: bool,
    run: tuple[int, str] | None,
    shown: str,
    ann: Client,
    telegram: Sandbox,
    botyard: Botyard,
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    services = botyard.services
    db = services.db

    def write() -> None:
        Bot.update(active=active, generation=2).execute()
        User.update(disabled_at=now() if suspended else None).execute()
        Run.delete().execute()
        if run is not None:
            runs.save([(made["id"], RunRecord(*run, None, None, now()))])

    await db.write(write)
    record = await db.read(bots.get, services.vault, made["id"])
    assert record is not None
    assert runs.shown_state(record, record.run) == shown
    assert await db.read(runs.count_states) == {shown: 1}
    page = partial(administration.bots_page, services.vault, page=1, page_size=9)
    for state in BotState:
        found = await db.read(partial(page, state=state))
        assert [bot.id for bot in found.rows] == ([made["id"]] if state == shown else [])
    assert {runs.STOPPED, runs.STARTING, runs.STOPPING, *runs.ALIVE} <= set(BotState)
    assert set(runs.ALIVE) == ALIVE
