"""Groups: who comes and goes, groups that become supergroups, and the topics of forums."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api
from telegram import Bot

from sandbox import InvalidValue, Sandbox, SandboxBot, UnknownChat

GROUP = -7
SUPERGROUP = -(10**12) - 7
MEMBERS = "/bots/first_bot/members"
TOPICS = "/bots/first_bot/topics"
MIGRATED = "Bad Request: group chat was upgraded to a supergroup chat"

# -- members


@pytest.mark.parametrize("chat_id", [GROUP, SUPERGROUP])
async def test_a_user_comes_and_goes(
    api: Api, sandbox: Sandbox, bot: SandboxBot, ptb: Bot, chat_id: int
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=chat_id)
    who = {"chat_id": chat_id, "user_id": 5}
    status, (_, came) = await api.control("POST", MEMBERS, **who, first_name="Bo")
    assert (status, came["message"]["from"]["id"]) == (201, 5)
    assert [one["first_name"] for one in came["message"]["new_chat_members"]] == ["Bo"]
    assert (await api.result(bot, "getChatMember", **who))["status"] == "member"
    status, (_, went) = await api.control("DELETE", MEMBERS, **who)
    assert (status, went["message"]["left_chat_member"]["first_name"]) == (200, "Bo")
    assert (await api.result(bot, "getChatMember", **who))["status"] == "left"
    _, seen, last = await ptb.get_updates()
    assert seen.message is not None
    assert seen.message.new_chat_members
    assert last.message is not None
    assert last.message.left_chat_member is not None


async def test_others_are_told_of_as_chat_member_only_if_it_is_asked_for(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    assert sandbox.join(bot.id, chat_id=GROUP, user_id=5)[0]["update_id"] is None
    await api.result(bot, "getUpdates", allowed_updates=["chat_member"], offset=-1)
    sandbox.leave(bot.id, chat_id=GROUP, user_id=5, by=6)
    _, update = await api.result(bot, "getUpdates")
    change = update["chat_member"]
    assert (change["from"]["id"], change["new_chat_member"]["user"]["id"]) == (6, 5)
    assert (change["old_chat_member"]["status"], change["new_chat_member"]["status"]) == (
        "member",
        "kicked",
    )


async def test_a_user_adds_the_bot_and_another_removes_it(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.join(bot.id, chat_id=GROUP, user_id=bot.id, by=5, chat={"title": "Friends"})
    assert await api.result(bot, "sendMessage", chat_id=GROUP, text="hello")
    sandbox.leave(bot.id, chat_id=GROUP, user_id=bot.id, by=6)
    words = await api.refusal(bot, "sendMessage", chat_id=GROUP, text="x")
    assert words == "Forbidden: bot was kicked from the group chat"
    sandbox.join(bot.id, chat_id=GROUP, user_id=bot.id, by=5)
    assert await api.result(bot, "sendMessage", chat_id=GROUP, text="again")
    added, notice, removed, gone, again, _ = await api.result(bot, "getUpdates")
    assert added["my_chat_member"]["chat"]["title"] == "Friends"
    for update, statuses in (
        (added, ("left", "member")),
        (removed, ("member", "kicked")),
        (again, ("kicked", "member")),
    ):
        change = update["my_chat_member"]
        sides = (change["old_chat_member"], change["new_chat_member"])
        assert tuple(side["status"] for side in sides) == statuses
    assert notice["message"]["new_chat_members"][0]["id"] == bot.id
    assert notice["message"]["from"]["id"] == 5
    assert gone["message"]["left_chat_member"]["id"] == bot.id


def test_nobody_comes_or_goes_where_it_cannot_be(sandbox: Sandbox, bot: SandboxBot) -> None:
    for act in (sandbox.join, sandbox.leave):
        with pytest.raises(InvalidValue, match="chat_id must name a group"):
            act(bot.id, chat_id=7, user_id=5)
    with pytest.raises(UnknownChat):
        sandbox.leave(bot.id, chat_id=GROUP, user_id=5)
    sandbox.join(bot.id, chat_id=GROUP, user_id=bot.id)
    sandbox.leave(bot.id, chat_id=GROUP, user_id=bot.id)
    for user_id in (5, bot.id):
        with pytest.raises(InvalidValue, match="the bot is not any more"):
            sandbox.leave(bot.id, chat_id=GROUP, user_id=user_id)
    with pytest.raises(InvalidValue, match="the bot is blocked"):
        sandbox.join(bot.id, chat_id=GROUP, user_id=5)


async def test_what_tells_of_the_chat_is_not_copied_or_pinned(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    message_id = sandbox.join(bot.id, chat_id=GROUP, user_id=5)[1]["message"]["message_id"]
    where = {"chat_id": GROUP, "message_id": message_id}
    words = await api.refusal(bot, "copyMessage", **where, from_chat_id=GROUP)
    assert words == "Bad Request: message can't be copied"
    assert await api.refusal(bot, "pinChatMessage", **where) == (
        "Bad Request: message can't be pinned"
    )


# -- groups that become supergroups


async def test_a_group_becomes_a_supergroup(
    api: Api, sandbox: Sandbox, bot: SandboxBot, ptb: Bot
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=GROUP, user_id=5, chat={"title": "Us"})
    status, (last, first) = await api.control("POST", "/bots/first_bot/migrations", chat_id=GROUP)
    assert (status, last["message"]["migrate_to_chat_id"]) == (201, SUPERGROUP)
    assert first["message"]["migrate_from_chat_id"] == GROUP
    assert first["message"]["chat"] == {"id": SUPERGROUP, "title": "Us", "type": "supergroup"}
    assert (await api.result(bot, "getChatMember", chat_id=SUPERGROUP, user_id=5))["user"]
    answer = await api.call(bot, "sendMessage", chat_id=GROUP, text="x")
    assert (answer["error_code"], answer["description"]) == (400, MIGRATED)
    assert answer["parameters"] == {"migrate_to_chat_id": SUPERGROUP}
    assert await api.result(bot, "sendMessage", chat_id=SUPERGROUP, text="x")
    assert len(await ptb.get_updates()) == 3
    with pytest.raises(InvalidValue, match=f"became chat {SUPERGROUP}"):
        sandbox.send_message(bot.id, text="hi", chat_id=GROUP)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"chat_id": 7}, "chat_id"),
        ({"chat_id": SUPERGROUP}, "chat_id"),
        ({"chat_id": GROUP, "new_chat_id": -8}, "new_chat_id"),
        ({"chat_id": GROUP, "new_chat_id": SUPERGROUP}, "new_chat_id"),
    ],
)
async def test_what_cannot_become_a_supergroup_is_refused(
    api: Api, sandbox: Sandbox, bot: SandboxBot, fields: dict[str, int], field: str
) -> None:
    for chat_id in (7, GROUP, SUPERGROUP):
        sandbox.send_message(bot.id, text="hi", chat_id=chat_id)
    status, answer = await api.control("POST", "/bots/first_bot/migrations", **fields)
    assert (status, answer["field"]) == (400, field)


# -- topics


@pytest.fixture
def topic(sandbox: Sandbox, bot: SandboxBot) -> int:
    """A topic in a supergroup."""
    update = sandbox.begin_topic(bot.id, chat_id=SUPERGROUP, name="News", user_id=5)
    return int(update["message"]["message_id"])


async def test_a_topic_begins_with_a_message_that_has_its_id(
    api: Api, bot: SandboxBot, ptb: Bot
) -> None:
    status, update = await api.control("POST", TOPICS, chat_id=SUPERGROUP, name="News", user_id=5)
    message = update["message"]
    assert (status, message["forum_topic_created"]["name"]) == (201, "News")
    assert message["message_thread_id"] == message["message_id"]
    assert message["is_topic_message"] is True
    assert message["chat"]["is_forum"] is True
    (seen,) = await ptb.get_updates()
    assert seen.message is not None
    assert seen.message.forum_topic_created is not None


@pytest.mark.parametrize("kind", ["text", "photo", "dice"])
def test_people_send_into_a_topic_and_outside_of_it(
    sandbox: Sandbox, bot: SandboxBot, topic: int, kind: str
) -> None:
    inside = sandbox.send_content(
        bot.id, kind=kind, chat_id=SUPERGROUP, message_thread_id=topic, user_id=6
    )["message"]
    assert (inside["message_thread_id"], inside["is_topic_message"]) == (topic, True)
    assert inside["reply_to_message"]["forum_topic_created"]["name"] == "News"
    reply = sandbox.send_content(
        bot.id, kind=kind, chat_id=SUPERGROUP, reply_to_message_id=inside["message_id"]
    )["message"]
    assert reply["message_thread_id"] == topic
    assert reply["reply_to_message"]["message_id"] == inside["message_id"]
    outside = sandbox.send_content(bot.id, kind=kind, chat_id=SUPERGROUP)["message"]
    assert not {"message_thread_id", "is_topic_message"} & outside.keys()
    assert outside["chat"]["is_forum"] is True


SENDS: list[tuple[str, dict[str, Any]]] = [
    ("sendMessage", {"text": "x"}),
    ("sendPhoto", {"photo": "https://example.org/a.jpg"}),
    ("sendMediaGroup", {"media": [{"type": "photo", "media": "https://example.org/a"}] * 2}),
    ("copyMessage", {"from_chat_id": 7, "message_id": 1}),
    ("forwardMessage", {"from_chat_id": 7, "message_id": 1}),
]


@pytest.mark.parametrize(("method", "params"), SENDS)
@pytest.mark.usefixtures("chat_id")
async def test_the_bot_sends_into_a_topic(
    api: Api, sandbox: Sandbox, bot: SandboxBot, topic: int, method: str, params: dict[str, Any]
) -> None:
    where = {"chat_id": SUPERGROUP, "message_thread_id": topic}
    await api.result(bot, method, **where, **params)
    message = sandbox.sent(bot.id)[-1].message
    assert (message["message_thread_id"], message["is_topic_message"]) == (topic, True)
    await api.result(bot, method, **where | {"chat_id": 7, "message_thread_id": None}, **params)


@pytest.mark.parametrize(("method", "params"), SENDS)
@pytest.mark.usefixtures("chat_id", "topic")
async def test_a_topic_that_is_not_there_is_refused(
    api: Api, bot: SandboxBot, method: str, params: dict[str, Any]
) -> None:
    for where in (
        {"chat_id": SUPERGROUP, "message_thread_id": 99},
        {"chat_id": 7, "message_thread_id": 1},
    ):
        words = await api.refusal(bot, method, **where, **params)
        assert words == "Bad Request: message thread not found"


async def test_a_reply_of_the_bot_lands_in_the_topic(
    api: Api, sandbox: Sandbox, bot: SandboxBot, topic: int
) -> None:
    where = {"chat_id": SUPERGROUP, "message_thread_id": topic}
    asked = sandbox.send_message(bot.id, text="hi", **where)["message"]["message_id"]
    reply = {"reply_parameters": {"message_id": asked}, "text": "x"}
    answer = await api.result(bot, "sendMessage", chat_id=SUPERGROUP, **reply)
    assert answer["message_thread_id"] == topic
    assert answer["reply_to_message"]["message_id"] == asked


async def test_a_copy_out_of_a_topic_is_in_none(
    api: Api, sandbox: Sandbox, bot: SandboxBot, topic: int, chat_id: int
) -> None:
    where = {"chat_id": SUPERGROUP, "message_thread_id": topic}
    source = sandbox.send_message(bot.id, text="hi", **where)["message"]["message_id"]
    await api.result(
        bot, "copyMessage", chat_id=chat_id, from_chat_id=SUPERGROUP, message_id=source
    )
    message = sandbox.sent(bot.id)[-1].message
    assert not {"message_thread_id", "is_topic_message", "reply_to_message"} & message.keys()


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"chat_id": GROUP, "name": "x"}, "chat_id"), ({"chat_id": SUPERGROUP, "name": ""}, "name")],
)
async def test_a_topic_that_cannot_be_is_refused(
    api: Api, bot: SandboxBot, fields: dict[str, Any], field: str
) -> None:
    status, answer = await api.control("POST", TOPICS, **fields)
    assert (status, answer["field"]) == (400, field)
