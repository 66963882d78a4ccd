"""Questions with several choices: the ticks are shown by editing the message that asks."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

import pytest
from support.client import QUICK, UNLIMITED, Client, until
from support.players import Player
from support.talks import CHAT, Talker, talker

from dialogs.scenarios import engine, load
from runner.settings import Limit
from sandbox import Call, Sandbox, Sent

EDIT = "editMessageReplyMarkup"
FREE, PICKED = "▫️ ", "✅ "
COLOURS: dict[str, Any] = {
    "language": "en",
    "start": "colours",
    "states": {
        "colours": {
            "say": {"text": "Which **colours**?", "format": "markdown"},
            "ask": {
                "type": "choices", "save": "colours", "options": ["Red", "Blue", "Green"],
                "columns": 2, "at_least": 1, "go": "bye",
            },
        },
        "bye": {"say": "{{colours}}!", "end": True},
    },
}  # fmt: skip


@pytest.fixture
async def talk(ann: Client, telegram: Sandbox) -> Talker:
    """A bot that asks for colours."""
    return await talker(ann, telegram, COLOURS)


@pytest.fixture
async def player(talk: Talker) -> Player:
    """A person who was asked."""
    player = Player(talk.telegram, talk.bot, load(COLOURS, 1), CHAT)
    await player.play("/start")
    return player


def edits(talk: Talker) -> list[Call]:
    """The calls that show ticks."""
    return talk.telegram.calls(talk.bot.id, method=EDIT)


async def is_edited(talk: Talker, count: int) -> None:
    """Wait until ticks were shown so often, or could not be."""
    await until(lambda: sum(one.status is not None for one in edits(talk)) >= count)


@pytest.mark.parametrize("twice", [False, True], ids=["", "each tap twice"])
async def test_ticks_come_and_go(twice: bool, talk: Talker, player: Player) -> None:
    player.twice = twice
    for label in (FREE + "Red", FREE + "Blue", PICKED + "Red", FREE + "Green", "Done"):
        await player.play({"tap": label})
    assert talk.texts()[-1] == "Blue, Green!"
    assert [one.status for one in edits(talk)] == [200] * 4
    await player.each_tap_is_answered()
    await player.is_stored_as_simulated(talk.owner, talk.bot_id)


async def test_ticks_are_those_of_the_last_tap_though_telegram_is_slow(
    talk: Talker, player: Player
) -> None:
    slow = talk.telegram.inject(kind="hold", method=EDIT, times=1)
    player.act({"tap": FREE + "Red"})
    await until(lambda: slow.hits == 1, "the first edit")
    await talk.taps(FREE + "Blue")  # what the person still sees
    await until(lambda: len(talk.tap_answers()) == 2, "the answers to the taps")
    talk.telegram.clear()
    await until(lambda: edits(talk)[0].status == 200, "the end of the first edit")
    await until(lambda: [one["text"] for row in player.seen()[0]["buttons"] for one in row] == [
        PICKED + "Red", PICKED + "Blue", FREE + "Green", "Done",
    ], "the ticks of both")  # fmt: skip


async def test_a_lost_tick_is_shown_when_its_button_is_tapped_again(
    talk: Talker, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "DOUBLE_TAP", 0.0)
    talk.telegram.inject(kind="status", status=502, method=EDIT, times=1)
    await talk.taps(FREE + "Red")
    await is_edited(talk, 1)
    assert PICKED not in str(player.seen()[0])
    await talk.taps(FREE + "Red")
    await until(lambda: PICKED + "Red" in str(player.seen()[0]), "the tick")
    await talk.taps("Done")
    await until(lambda: talk.texts()[-1] == "Red!")


async def test_a_lost_tick_is_shown_with_the_next_one(talk: Talker, player: Player) -> None:
    talk.telegram.inject(kind="status", status=502, method=EDIT, times=1)
    await talk.taps(FREE + "Red")
    await is_edited(talk, 1)
    await talk.taps(FREE + "Blue")
    await is_edited(talk, 2)
    await until(lambda: FREE + "Green" in str(player.seen()[0]))
    assert PICKED + "Red" in str(player.seen()[0])
    await talk.taps("Done")
    await until(lambda: talk.texts()[-1] == "Red, Blue!")


@pytest.mark.parametrize(
    ("status", "description"),
    [(400, "Bad Request: message is not modified"), (400, "Bad Request: message to edit not found"),
     (429, None), (500, None)],
)  # fmt: skip
async def test_a_refused_edit_does_no_harm(
    status: int, description: str | None, talk: Talker, caplog: pytest.LogCaptureFixture
) -> None:
    await talk.says("/start")
    talk.telegram.inject(kind="status", status=status, description=description, method=EDIT)
    await talk.taps(FREE + "Red")
    await is_edited(talk, 1)
    await talk.taps("Done")
    assert await talk.hears() == ["Red!"]
    assert await talk.says("/start") == ["Which colours?"]
    await until(lambda: talk.tap_answers() == ["", ""], "the answers to the taps")
    assert [one for one in caplog.records if one.levelname not in ("INFO", "DEBUG")] == []
    shown = await talk.owner.get(f"/api/v1/telegram_data/{talk.bot_id}/")
    assert (shown.json["status"]["state"], shown.json["status"]["reason"]) == ("running", None)


SLOWEST = replace(QUICK, limits=replace(UNLIMITED, chat=Limit(1000.0, 2)))


@pytest.mark.parametrize("runner_tuning", [QUICK, SLOWEST], ids=["for Telegram", "for its turn"])
async def test_an_edit_that_waits_does_not_hinder_the_end_of_a_bot(
    talk: Talker, player: Player, caplog: pytest.LogCaptureFixture
) -> None:
    talk.telegram.inject(kind="hold", method=EDIT)
    await talk.taps(FREE + "Red")
    await until(lambda: edits(talk) != [], "the edit")
    talk.telegram.clear()
    await talk.taps(FREE + "Blue")
    await until(lambda: len(talk.tap_answers()) == 2, "the answers to the taps")
    off = await talk.owner.patch(f"/api/v1/telegram_data/{talk.bot_id}/", {"active": False})
    assert off.status == 200
    gc.collect()
    assert [one for one in caplog.records if one.levelname not in ("INFO", "DEBUG")] == []


async def test_in_a_group_nobody_ticks_on_what_somebody_else_was_asked(talk: Talker) -> None:
    group, telegram, bot = -500, talk.telegram, talk.bot
    for user in (7, 8):
        begins = f"/start@{bot.username}"
        telegram.send_message(bot.id, text=begins, chat_id=group, user_id=user)
        await talk.hears(chat=group)
    telegram.tap_button(bot.id, text=FREE + "Red", chat_id=group, older=1, user_id=7)
    await is_edited(talk, 1)
    telegram.tap_button(bot.id, text=FREE + "Blue", chat_id=group, older=1, user_id=8)

    def asked() -> list[Sent]:
        return [one for one in telegram.sent(bot.id, chat_id=group) if one.method != EDIT]

    await until(lambda: len(asked()) == 3, "that 8 is asked once more")
    rows = (asked()[0].present.message or {})["reply_markup"]["inline_keyboard"]
    texts = [button["text"] for row in rows for button in row]
    assert texts[:2] == [PICKED + "Red", FREE + "Blue"]
