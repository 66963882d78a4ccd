"""What people write to a bot, as its owner sees it: chats, messages, search, export, erasure."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from support.client import BOTS, DEADLINE, Client

from models.engine import bulk
from models.messaging import search
from sandbox import Sandbox, SandboxBot
from sandbox.contents import CAPTIONED, KINDS
from server.app import Botyard
from server.config import Config

GROUP = -(10**12) - 7


@pytest.fixture
def bot(telegram: Sandbox) -> SandboxBot:
    """A bot at Telegram."""
    return telegram.add_bot()


@pytest.fixture
async def path(ann: Client, bot: SandboxBot) -> str:
    """The address of Ann's running bot."""
    made = await ann.add_bot(bot)
    return f"{BOTS}{made['id']}/"


async def until_items(client: Client, path: str, count: int, **query: str) -> list[dict[str, Any]]:
    """Wait until a list has so many items, none of them under way."""
    async with asyncio.timeout(DEADLINE):
        while True:
            answer = await client.get(path, params=query)
            if answer.status == 200:  # before something has come from it, a chat is not known
                items: list[dict[str, Any]] = answer.json["items"]
                under_way = any(item.get("state") in ("queued", "sending") for item in items)
                if len(items) == count and not under_way:
                    return items
            await asyncio.sleep(0.01)


# -- what is kept


async def test_both_directions_of_a_chat_are_shown_the_newest_first(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    sent = telegram.send_message(bot.id, text="Где мой заказ?", chat_id=7)["message"]
    answer, question = await until_items(ann, f"{path}chats/7/messages/", 2)
    assert (question["direction"], question["state"]) == ("in", "received")
    assert (question["kind"], question["text"]) == ("text", "Где мой заказ?")
    assert question["telegram_message_id"] == sent["message_id"]
    assert (answer["direction"], answer["state"], answer["text"]) == (
        "out",
        "sent",
        "Где мой заказ?",
    )
    assert question["id"] < answer["id"]
    one = await ann.get(f"{path}messages/{question['id']}/")
    assert one.json == question
    earlier = await ann.get(f"{path}messages/{question['id']}/earlier/")
    assert earlier.json == {"items": []}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"text", "other"}])
async def test_every_kind_of_content_is_kept(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str, kind: str
) -> None:
    caption = {"caption": "see this"} if kind in CAPTIONED else {}
    message = telegram.send_content(bot.id, kind=kind, chat_id=7, **caption)["message"]
    (item,) = await until_items(ann, f"{path}chats/7/messages/", 1)
    assert (item["kind"], item["text"]) == (kind, caption.get("caption"))
    assert item["extra"][kind] == message[kind]


async def test_content_that_nobody_knows_is_kept_and_called_by_its_field(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    telegram.send_content(bot.id, kind="other", chat_id=7, gift_basket={"apples": 3})
    (item,) = await until_items(ann, f"{path}chats/7/messages/", 1)
    assert (item["kind"], item["text"]) == ("gift_basket", None)
    assert item["extra"]["gift_basket"] == {"apples": 3}


async def test_the_items_of_an_album_are_one_group(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    telegram.send_album(bot.id, chat_id=7, items=[{"kind": "photo"}, {"kind": "video"}])
    second, first = await until_items(ann, f"{path}chats/7/messages/", 2)
    assert (first["kind"], second["kind"]) == ("photo", "video")
    assert first["extra"]["media_group_id"] == second["extra"]["media_group_id"]


async def test_an_edited_message_says_both_texts(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    sent = telegram.send_message(bot.id, text="helo", chat_id=7)["message"]
    await until_items(ann, f"{path}chats/7/messages/", 2)
    telegram.edit_message(bot.id, chat_id=7, message_id=sent["message_id"], text="hello")
    async with asyncio.timeout(DEADLINE):
        while (found := await ann.get(f"{path}chats/7/messages/")).json["items"][1][
            "text"
        ] != "hello":
            await asyncio.sleep(0.01)
    _, edited = found.json["items"]
    assert edited["edited_at"] is not None
    before = (await ann.get(f"{path}messages/{edited['id']}/earlier/")).json
    assert [earlier["text"] for earlier in before["items"]] == ["helo"]
    assert len(telegram.sent(bot.id)) == 1  # an edited message is not a new one


async def test_an_edit_of_a_message_that_is_not_stored_says_what_is_known(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    assert (await ann.patch(path, {"history": False})).status == 200
    sent = telegram.send_message(bot.id, text="before", chat_id=7)["message"]
    await until_items(ann, f"{path}chats/7/messages/", 1)
    assert (await ann.patch(path, {"history": True})).status == 200
    telegram.edit_message(bot.id, chat_id=7, message_id=sent["message_id"], text="after")
    newest, _ = await until_items(ann, f"{path}chats/7/messages/", 2)
    assert (newest["direction"], newest["text"]) == ("in", "after")
    assert newest["telegram_message_id"] == sent["message_id"]


async def test_buttons_reactions_and_blocks_are_part_of_the_history(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    telegram.send_message(bot.id, text="hi", chat_id=7)
    answer, _ = await until_items(ann, f"{path}chats/7/messages/", 2)
    number = answer["telegram_message_id"]
    telegram.press_button(bot.id, chat_id=7, message_id=number, data="yes")
    telegram.react(bot.id, chat_id=7, message_id=number, reaction=["👍"])
    telegram.block(bot.id, 7)
    block, reaction, button, *_ = await until_items(ann, f"{path}chats/7/messages/", 5)
    assert (button["kind"], button["text"]) == ("button", "yes")
    assert button["extra"]["message_id"] == number
    assert reaction["kind"] == "reaction"
    assert block["kind"] == "membership"
    chat = (await ann.get(f"{path}chats/7/")).json
    assert chat["blocked_at"] is not None
    (blocked,) = await until_items(ann, f"{path}chats/", 1, blocked="true")
    assert blocked["chat_id"] == 7
    await until_items(ann, f"{path}chats/", 0, blocked="false")


async def test_a_group_has_senders_and_topics(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    topic = telegram.begin_topic(bot.id, chat_id=GROUP, name="Orders")["message"]
    number = topic["message_thread_id"]
    telegram.send_message(
        bot.id, text="in it", chat_id=GROUP, message_thread_id=number, is_topic_message=True
    )
    telegram.send_message(bot.id, text="beside", chat_id=GROUP)
    items = await until_items(ann, f"{path}chats/{GROUP}/messages/", 5)
    said = {item["text"]: item for item in items if item["direction"] == "in"}
    assert said["in it"]["topic_id"] == number
    assert said["beside"]["topic_id"] is None
    assert isinstance(said["beside"]["sender_id"], int)
    found = await until_items(ann, f"{path}chats/{GROUP}/messages/", 2, topic=str(number))
    assert {item["kind"] for item in found} == {"text", "forum_topic_created"}


async def test_the_person_is_known_by_what_telegram_tells(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    person = {
        "id": 7, "is_bot": False, "first_name": "Анна", "last_name": "Smith",
        "username": "ann_s", "language_code": "ru", "is_premium": True,
    }  # fmt: skip
    telegram.send_message(bot.id, text="/start spring_sale", chat_id=7, **{"from": person})
    await until_items(ann, f"{path}chats/7/messages/", 2)
    chat = (await ann.get(f"{path}chats/7/")).json
    names = ("type", "first_name", "last_name", "username", "language", "is_premium", "source")
    assert [chat[name] for name in names] == [
        "private", "Анна", "Smith", "ann_s", "ru", True, "spring_sale",
    ]  # fmt: skip
    assert chat["last_message"]["direction"] == "out"
    for part in ("анн", "SMITH", "nn_s", "7"):
        (found,) = await until_items(ann, f"{path}chats/", 1, q=part)
        assert found["chat_id"] == 7
    await until_items(ann, f"{path}chats/", 0, q="%")


async def test_a_reaction_does_not_make_a_person_less_known(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    person = {
        "id": 7, "is_bot": False, "first_name": "Ann", "language_code": "ru", "is_premium": True,
    }  # fmt: skip
    telegram.send_message(bot.id, text="hi", chat_id=7, **{"from": person})
    answer, _ = await until_items(ann, f"{path}chats/7/messages/", 2)
    reacted = {"message_id": answer["telegram_message_id"], "reaction": ["👍"]}
    telegram.react(bot.id, chat_id=7, **{"from": person}, **reacted)
    await until_items(ann, f"{path}chats/7/messages/", 3)
    chat = (await ann.get(f"{path}chats/7/")).json
    names = ("first_name", "language", "is_premium")
    assert [chat[name] for name in names] == ["Ann", "ru", True]


@pytest.mark.parametrize("text", ["--5", "-", "5-", "٣", "²"])
async def test_what_looks_like_a_chat_id_is_looked_for(ann: Client, path: str, text: str) -> None:
    answer = await ann.get(f"{path}chats/", params={"q": text})
    assert (answer.status, answer.json["items"]) == (200, [])


async def test_a_bot_without_a_history_keeps_nothing_that_people_write(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    assert (await ann.patch(path, {"history": False})).json["history"] is False
    telegram.send_message(bot.id, text="a secret", chat_id=7)
    (answer,) = await until_items(ann, f"{path}chats/7/messages/", 1)
    assert answer["direction"] == "out"
    assert (await ann.get(f"{path}chats/7/")).json["unread"] == 0


# -- lists


async def test_chats_come_in_pages_the_newest_first(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    for chat_id in range(1, 6):
        telegram.send_message(bot.id, text=f"hello {chat_id}", chat_id=chat_id)
        await until_items(ann, f"{path}chats/{chat_id}/messages/", 2)
    seen, after = [], None
    while True:
        query = {"limit": "2"} | ({"after": after} if after else {})
        page = (await ann.get(f"{path}chats/", params=query)).json
        seen += [item["chat_id"] for item in page["items"]]
        if (after := page["next"]) is None:
            break
    assert seen == [5, 4, 3, 2, 1]


async def test_messages_come_in_pages(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    for number in range(5):
        telegram.send_message(bot.id, text=f"text {number}", chat_id=7)
    items = await until_items(ann, f"{path}chats/7/messages/", 10)
    first = (await ann.get(f"{path}chats/7/messages/", params={"limit": "7"})).json
    rest = {"limit": "7", "after": first["next"]}
    second = (await ann.get(f"{path}chats/7/messages/", params=rest)).json
    assert [*first["items"], *second["items"]] == items
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "nonsense"}, "after"),
        ({"after": "🤖"}, "after"),
        ({"limit": "201"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"unread": "1"}, "unread"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_parameter_is_named(
    ann: Client, path: str, query: dict[str, str], field: str
) -> None:
    answer = await ann.get(f"{path}chats/", params=query)
    assert answer.status == 400
    assert list(answer.json["errors"]) == [field]


async def test_unread_messages_are_counted_until_they_are_read(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    for number in range(3):
        telegram.send_message(bot.id, text=f"text {number}", chat_id=7)
    items = await until_items(ann, f"{path}chats/7/messages/", 6)
    assert (await ann.get(f"{path}chats/7/")).json["unread"] == 3
    first = next(item for item in items if item["text"] == "text 0" and item["direction"] == "in")
    read = await ann.post(f"{path}chats/7/read/", {"up_to": first["id"]})
    assert (read.status, read.json["unread"]) == (200, 2)
    assert len(await until_items(ann, f"{path}chats/", 1, unread="true")) == 1
    assert (await ann.post(f"{path}chats/7/read/")).json["unread"] == 0
    await until_items(ann, f"{path}chats/", 0, unread="true")


# -- search


@pytest.mark.parametrize("part", ["заказ", "ЗАКАЗ", "где мой", "аз", "?", "й з"])
async def test_a_search_finds_parts_of_words_in_any_case(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str, part: str
) -> None:
    telegram.send_message(bot.id, text="Где мой Заказ?", chat_id=7)
    telegram.send_message(bot.id, text="nothing of it", chat_id=8)
    found = await until_items(ann, f"{path}messages/", 2, q=part)
    assert [(item["direction"], item["chat_id"]) for item in found] == [("out", 7), ("in", 7)]
    await until_items(ann, f"{path}messages/", 0, q=part, chat="8")


@pytest.mark.parametrize("part", ["100%", "a_b", "back\\slash", '"quoted"', "' OR 1=1"])
async def test_signs_of_query_languages_are_letters_like_others(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str, part: str
) -> None:
    telegram.send_message(bot.id, text=f"it is {part} so", chat_id=7)
    telegram.send_message(bot.id, text="it is 1000 aXb backslash quoted OR so", chat_id=8)
    found = await until_items(ann, f"{path}messages/", 2, q=part)
    assert {item["chat_id"] for item in found} == {7}


async def test_a_search_without_a_text_is_refused(ann: Client, path: str) -> None:
    assert list((await ann.get(f"{path}messages/")).json["errors"]) == ["q"]
    assert list((await ann.get(f"{path}messages/", params={"q": ""})).json["errors"]) == ["q"]


# -- export and erasure


async def test_an_export_has_a_line_for_the_chat_and_for_each_message(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    telegram.send_message(bot.id, text="one\ntwo", chat_id=7)
    items = await until_items(ann, f"{path}chats/7/messages/", 2)
    answer = await ann.get(f"{path}chats/7/export/")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    first, *rest = [orjson.loads(line) for line in answer.text.splitlines()]
    assert first["chat"]["chat_id"] == 7
    assert [line["message"] for line in rest] == items[::-1]


async def test_an_erased_person_is_gone_everywhere(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    telegram.send_message(bot.id, text="my secret", chat_id=7)
    telegram.send_message(bot.id, text="in the group", chat_id=GROUP, **{"from": _person(7)})
    telegram.send_message(bot.id, text="of another", chat_id=GROUP, **{"from": _person(8)})
    await until_items(ann, f"{path}chats/7/messages/", 2)
    await ann.post(f"{path}chats/7/messages/", {"text": "of the owner"})
    await until_items(ann, f"{path}chats/7/messages/", 3)
    await until_items(ann, f"{path}chats/{GROUP}/messages/", 4)
    assert (await ann.delete(f"{path}chats/7/")).status == 204
    assert (await ann.get(f"{path}chats/7/")).status == 404
    assert (await ann.get(f"{path}chats/7/messages/")).status == 404
    await until_items(ann, f"{path}messages/", 0, q="secret")
    left = await until_items(ann, f"{path}chats/{GROUP}/messages/", 3)
    assert 7 not in {item["sender_id"] for item in left}
    entries = (await ann.get("/api/v1/audit/")).json["results"]
    assert [entry["action"] for entry in entries[:2]] == ["chat_erased", "message_written"]
    assert entries[1]["details"].keys() == {"messages"}
    assert (await ann.delete(f"{path}chats/7/")).status == 404


def _person(number: int) -> dict[str, Any]:
    return {"id": number, "is_bot": False, "first_name": f"Person {number}"}


@pytest.mark.parametrize("what", ["bot", "account"])
async def test_what_is_deleted_is_not_in_the_index_of_the_search_any_more(
    botyard: Botyard, config: Config, ann: Client, telegram: Sandbox, bot: SandboxBot, path: str,
    what: str,
) -> None:  # fmt: skip
    telegram.send_message(bot.id, text="nothing but this", chat_id=7)
    await until_items(ann, f"{path}chats/7/messages/", 2)
    db, table = botyard.services.db, "messages"
    if config.sqlite_file is not None:  # PostgreSQL's index is part of the table
        await db.write(search.index_new, limit=500)
        table = "message_search WHERE message_search MATCH '\"not\"'"
    query = f"SELECT COUNT(*) FROM {table}"
    assert await db.read(bulk.select, query) == [(2,)]
    deleted = await ann.delete(path if what == "bot" else "/rest-auth/user/")
    assert deleted.status == 204, deleted.text
    assert await db.read(bulk.select, query) == [(0,)]


# -- other people's


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", "chats/"),
        ("GET", "chats/7/"),
        ("DELETE", "chats/7/"),
        ("POST", "chats/7/read/"),
        ("GET", "chats/7/export/"),
        ("GET", "chats/7/messages/"),
        ("GET", "messages/?q=hello"),
    ],
)
async def test_what_is_not_ones_own_is_not_there(
    ann: Client, bob: Client, telegram: Sandbox, bot: SandboxBot, path: str, method: str, rest: str
) -> None:
    telegram.send_message(bot.id, text="hello", chat_id=7)
    await until_items(ann, f"{path}chats/7/messages/", 2)
    assert (await bob.request(method, path + rest)).status == 404
    assert (await ann.get(f"{path}chats/7/")).json["unread"] == 1
    if "/7/" in rest:
        assert (await ann.request(method, path + rest.replace("/7/", "/9/"))).status == 404


async def test_what_people_wrote_is_not_changed_through_the_api(
    ann: Client, telegram: Sandbox, bot: SandboxBot, path: str
) -> None:
    telegram.send_message(bot.id, text="hello", chat_id=7)
    _, question = await until_items(ann, f"{path}chats/7/messages/", 2)
    one = f"{path}messages/{question['id']}/"
    for answer in (await ann.patch(one, {"text": "bye"}), await ann.delete(one)):
        assert (answer.status, answer.json["code"]) == (409, "message_not_editable")
