"""Steps of talks whose bot gets another token, or which are deleted, before they are stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.client import BOTS, Client, until
from support.talks import CAT, CHAT, EARS, IS_BREAD, SQUARE, talker

from dialogs.scenarios import Conversation
from models.dialogs import conversations
from models.messaging.effects import Effects, TalkKey
from runner.scenarios.memory import TalkMemory
from runner.updates.in_hand import InHand
from runner.updates.incoming import IncomingUpdate
from sandbox import Sandbox
from server.app import Botyard

KEEPS_WHAT_IS_SAID: dict[str, Any] = {
    "language": "en",
    "start": "a",
    "states": {
        "a": {
            "say": "Hi",
            "on": [{"any_of": "show", "say": "[{{x}}]"}, {"content": "text", "save": "x"}],
        }
    },
}


@pytest.mark.usefixtures("nothing_is_early")
async def test_a_silent_step_under_a_former_token_is_taken_under_the_new_one(
    botyard: Botyard, ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await talker(ann, telegram, KEEPS_WHAT_IS_SAID)
    assert await talk.says("/start") == ["Hi"]
    path = f"{BOTS}{talk.bot_id}/"
    store, marked = InHand.handled, []

    async def handled(self: InHand, update: IncomingUpdate, effects: Effects) -> Any:
        """Store the step of the run with the old token after the new one is stored."""
        if update.text == "precious" and not marked:
            marked.append(update.update_id)
            token = telegram.new_token(talk.bot.id)
            await botyard.services.db.write(change_token, token)
        return await store(self, update, effects)

    def change_token(token: str) -> None:
        conversations.bulk.execute(
            "UPDATE bots SET token_encrypted = ?, token_fingerprint = ?, "
            "token_generation = token_generation + 1, generation = generation + 1 WHERE id = ?",
            botyard.services.vault.encrypt(token),
            botyard.services.vault.fingerprint(token),
            talk.bot_id,
        )

    monkeypatch.setattr(InHand, "handled", handled)
    telegram.send_message(talk.bot.id, text="precious", chat_id=CHAT)
    await until(lambda: marked, "the step")
    for active in (False, True):
        assert (await ann.patch(path, {"active": active})).status == 200
    assert await talk.says("show") == ["[precious]"]


async def test_a_talk_that_is_deleted_as_idle_while_it_takes_a_step_begins_anew(
    botyard: Botyard, ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await talker(ann, telegram, CAT)
    assert await talk.says("/start") == [SQUARE]
    run: Any = botyard.services.runner.manager.run(talk.bot_id)
    run.talks.forget()
    read = TalkMemory.read

    async def read_and_deleted(self: TalkMemory, key: TalkKey) -> Conversation | None:
        found = await read(self, key)
        place = (talk.bot_id, *key)
        await botyard.services.db.write(conversations.remove_idle, [place], timedelta(days=-1))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(TalkMemory, "read", read_and_deleted)
        assert await talk.says("да") == [EARS]
    assert await talk.says("нет") == [SQUARE], "the step is lost with its talk, and no other one"
    assert await talk.says("да") == [EARS]
    assert (await ann.get(f"{BOTS}{talk.bot_id}/conversations/")).json["items"]
    for active in (False, True):
        assert (await ann.patch(f"{BOTS}{talk.bot_id}/", {"active": active})).status == 200
    assert await talk.says("нет") == [IS_BREAD]
