"""Each template, published over the API and played with a real server through the sandbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from support.client import Client
from support.players import Player
from support.talks import talker
from support.template_plays import plays

from dialogs.scenarios import load, template, template_names
from dialogs.scenarios.builtin import TEXTS
from sandbox import Sandbox


def an_old_button(player: Player) -> dict[str, Any] | None:
    """A tap on the oldest button that was not the last to be tapped; None if there is none."""
    rows = [row for one in player.seen() for row in one.get("buttons", ())]
    buttons = [button for row in rows for button in row]
    for index, button in enumerate(buttons):
        if button["callback_data"] != player.last_tap:
            label = button["text"]
            later = sum(other["text"] == label for other in buttons[index + 1 :])
            return {"tap": label, "older": later}
    return None


@pytest.mark.parametrize("twice", [False, True], ids=["", "each tap twice"])
@pytest.mark.parametrize("name", template_names())
async def test_a_real_talk_is_as_the_simulator_says(
    name: str, twice: bool, ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, name)
    scenario = load(template(name), 1)
    events, last, variables = plays(datetime.now(scenario.zone).date())[name]
    player = Player(telegram, talk.bot, scenario, chat=7, twice=twice)
    for event in events:
        await player.play(event)
    assert talk.texts(7)[-len(last) :] == last
    assert player.simulated().variables == variables
    if (old := an_old_button(player)) is not None:
        await player.play(old)
        answers = [one["answer"] for one in player.simulated().transcript if "answer" in one]
        assert answers == [TEXTS["old_menu"][name[-2:]]], "and no answer to the other taps"
    assert not player.has_keyboard()
    await player.each_tap_is_answered()
    await player.is_stored_as_simulated(ann, talk.bot_id)
    await player.sees_what_is_right()
