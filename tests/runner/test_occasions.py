"""Whose talk an update belongs to."""

from __future__ import annotations

from typing import Any

from models.messaging.effects import TalkKey
from runner.scenarios.updates import Me, read_occasion
from runner.updates.incoming import IncomingUpdate

ME = Me(1, "my_bot", "My bot")
GROUP: dict[str, Any] = {"id": -100_500, "type": "supergroup", "title": "Group"}
# https://core.telegram.org/bots/api#message: what stands in the place of a user
CHANNEL_BOT, GROUP_BOT = 136_817_688, 1_087_968_824


def written(user: int, **details: Any) -> dict[str, Any]:
    """A message in the group."""
    sender = {"id": user, "is_bot": user in (CHANNEL_BOT, GROUP_BOT), "first_name": "A"}
    return {"message_id": 1, "chat": GROUP, "from": sender, "text": "/start", **details}


def key_of(kind: str, content: dict[str, Any]) -> TalkKey | None:
    occasion = read_occasion(IncomingUpdate.from_raw({"update_id": 1, kind: content}), ME)
    assert occasion is not None
    return occasion.key


def test_each_channel_that_writes_in_a_group_has_a_talk_of_its_own() -> None:
    one, other = (
        key_of("message", written(CHANNEL_BOT, sender_chat={"id": number, "type": "channel"}))
        for number in (-1001, -1002)
    )
    assert (one, other) == (TalkKey(-100_500, -1001, 0), TalkKey(-100_500, -1002, 0))


def test_who_writes_in_the_name_of_the_group_has_its_talk() -> None:
    key = key_of("message", written(GROUP_BOT, sender_chat=GROUP))
    assert key == TalkKey(-100_500, -100_500, 0)


def test_a_sender_chat_without_an_id_is_as_if_it_were_not_there() -> None:
    for sender in (None, {}, {"id": "x"}, {"id": True}, 7):
        assert key_of("message", written(7, sender_chat=sender)) == TalkKey(-100_500, 7, 0)


def test_a_tap_is_its_users_below_whosever_message_it_is() -> None:
    below = written(CHANNEL_BOT, sender_chat={"id": -1001, "type": "channel"})
    tap = {"id": "1", "from": {"id": 7}, "data": "x", "message": below}
    assert key_of("callback_query", tap) == TalkKey(-100_500, 7, 0)
