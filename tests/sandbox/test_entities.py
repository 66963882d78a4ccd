"""Texts and captions with the entities that a bot gives, as Telegram takes them."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api
from telegram import Bot, MessageEntity

from sandbox import Sandbox, SandboxBot

pytestmark = pytest.mark.usefixtures("chat_id")

UTF8 = "Bad Request: strings must be encoded in UTF-8"


def entity(kind: str, offset: int, length: int, **more: str) -> dict[str, Any]:
    """One MessageEntity."""
    return {"type": kind, "offset": offset, "length": length, **more}


async def send(
    api: Api, bot: SandboxBot, text: str, *entities: dict[str, Any]
) -> tuple[str, list[dict[str, Any]]]:
    """Send a text; gives the text and the entities of the message."""
    message = await api.result(bot, "sendMessage", chat_id=7, text=text, entities=[*entities])
    return message["text"], message.get("entities", [])


async def test_offsets_are_utf16_units(api: Api, bot: SandboxBot) -> None:
    bold = entity("bold", 3, 4)
    assert await send(api, bot, "😀 bold 😀", bold) == ("😀 bold 😀", [bold])
    emoji = entity("italic", 8, 2)
    assert await send(api, bot, "😀 bold 😀", emoji) == ("😀 bold 😀", [emoji])


async def test_a_caption_has_entities_too(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    params = {"photo": "https://example.org/a.jpg", "caption": " 😀 x"}
    given = [entity("text_link", 4, 1, url="https://example.org")]
    await api.result(bot, "sendPhoto", chat_id=7, **params, caption_entities=given)
    (sent,) = sandbox.sent(bot.id)
    assert (sent.text, sent.message["caption_entities"]) == ("😀 x", [{**given[0], "offset": 3}])


async def test_white_space_is_trimmed_and_entities_move(api: Api, bot: SandboxBot) -> None:
    got = await send(api, bot, " \n\tone two \n", entity("bold", 3, 3), entity("code", 7, 5))
    assert got == ("one two", [entity("bold", 0, 3), entity("code", 4, 3)])


async def test_an_entity_does_not_begin_with_white_space(api: Api, bot: SandboxBot) -> None:
    got = await send(api, bot, "  one  two", entity("bold", 0, 5), entity("italic", 5, 5))
    assert got == ("one  two", [entity("bold", 0, 3), entity("italic", 5, 3)])


async def test_an_entity_of_white_space_or_of_nothing_is_dropped(api: Api, bot: SandboxBot) -> None:
    given = [entity("bold", 1, 2), entity("italic", 0, 0), entity("code", 4, 1)]
    assert await send(api, bot, "x  y ", *given) == ("x  y", [])


async def test_a_link_keeps_the_white_space_it_begins_with(api: Api, bot: SandboxBot) -> None:
    link = entity("text_link", 1, 3, url="https://example.org")
    assert await send(api, bot, "  xy", link) == (" xy", [{**link, "offset": 0}])


async def test_html_is_trimmed_too(api: Api, bot: SandboxBot) -> None:
    text = " <b> one </b>"
    message = await api.result(bot, "sendMessage", chat_id=7, text=text, parse_mode="HTML")
    assert (message["text"], message["entities"]) == ("one", [entity("bold", 0, 3)])


async def test_ignored_characters_are_left_out(api: Api, bot: SandboxBot) -> None:
    got = await send(api, bot, "a\r\nb\u202ec", entity("bold", 1, 2), entity("code", 5, 1))
    assert got == ("a\nbc", [entity("code", 3, 1)])


async def test_entities_are_sorted_and_commands_found(api: Api, bot: SandboxBot) -> None:
    bold, code = entity("bold", 0, 9), entity("code", 3, 2)
    _text, entities = await send(api, bot, "/a /b /c x", code, bold)
    commands = [entity("bot_command", at, 2) for at in (0, 6)]
    assert entities == [bold, commands[0], code, commands[1]]


async def test_a_hundred_entities_are_kept(api: Api, bot: SandboxBot) -> None:
    given = [entity("bold", 2 * n, 1) for n in range(120)]
    assert (await send(api, bot, "x " * 120, *given))[1] == given[:100]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (entity("bold", 7, 1), "entity begins after the end of the text at UTF-16 offset 7"),
        (
            entity("bold", 6, 1),
            "entity beginning at UTF-16 offset 6 ends after the end of the text at UTF-16 offset 7",
        ),
        (
            entity("bold", 0, 100),
            "entity beginning at UTF-16 offset 0 ends after the end of the text "
            "at UTF-16 offset 100",
        ),
        (entity("bold", 5, 1), "entity begins in a middle of a UTF-16 symbol at byte offset 8"),
        (
            entity("bold", 3, 2),
            "entity beginning at UTF-16 offset 3 ends in a middle of a UTF-16 symbol "
            "at byte offset 8",
        ),
        (entity("bold", -1, 2), "receive an entity with incorrect offset -1"),
        (entity("bold", 0, -2), "receive an entity with incorrect length -2"),
        (entity("loud", 0, 1), "can't parse MessageEntity: Unsupported type specified"),
        (entity("text_link", 0, 1), "can't parse MessageEntity: Can't find field \"url\""),
        ({"type": "bold"}, "can't parse MessageEntity: Can't find field \"offset\""),
        ("bold", "can't parse MessageEntity: expected an Object"),
    ],
)
async def test_an_entity_that_does_not_fit_is_refused(
    api: Api, sandbox: Sandbox, bot: SandboxBot, given: Any, words: str
) -> None:
    params = {"chat_id": 7, "text": "abcd😀", "entities": [given]}
    assert await api.refusal(bot, "sendMessage", **params) == f"Bad Request: {words}"
    assert sandbox.sent(bot.id) == []


@pytest.mark.parametrize("text", ["", " \n\t", "\r", "\u202e"])
async def test_a_text_of_nothing_is_empty(api: Api, bot: SandboxBot, text: str) -> None:
    for entities in ([], [entity("bold", 0, 1)] if text else []):
        params = {"chat_id": 7, "text": text, "entities": entities}
        words = await api.refusal(bot, "sendMessage", **params)
        assert words == "Bad Request: message text is empty"


async def test_the_length_counts_without_the_white_space_around(api: Api, bot: SandboxBot) -> None:
    long = f"  {'😀' * 2048}\n"
    text, entities = await send(api, bot, long, entity("bold", 2, 4096))
    assert (len(text), entities) == (2048, [entity("bold", 0, 4096)])
    words = await api.refusal(bot, "sendMessage", chat_id=7, text=long + "x")
    assert words == "Bad Request: message is too long"


async def test_a_caption_may_have_1024_utf16_units(api: Api, bot: SandboxBot) -> None:
    params = {"chat_id": 7, "photo": "https://example.org/a.jpg"}
    assert await api.result(bot, "sendPhoto", **params, caption="😀" * 512 + " ")
    words = await api.refusal(bot, "sendPhoto", **params, caption="😀" * 512 + "x")
    assert words == "Bad Request: message caption is too long"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"chat_id=7&text=%ff", "application/x-www-form-urlencoded"),
        (b'{"chat_id":7,"text":"\xff"}', "application/json"),
        (b'{"chat_id":7,"text":"\\ud83d"}', "application/json"),
        (
            b"chat_id=7&photo=http://a/&caption=x&reply_markup=%22%5Cud83d%22",
            "application/x-www-form-urlencoded",
        ),
    ],
)
async def test_strings_must_be_utf8(
    api: Api, sandbox: Sandbox, bot: SandboxBot, body: bytes, kind: str
) -> None:
    method = "sendPhoto" if b"photo" in body else "sendMessage"
    headers = {"Content-Type": kind}
    async with api.session.post(api.url(bot, method), data=body, headers=headers) as response:
        assert (response.status, (await response.json())["description"]) == (400, UTF8)
    assert sandbox.sent(bot.id) == []


async def test_python_telegram_bot_sends_entities(ptb: Bot) -> None:
    message = await ptb.send_message(
        7, " 😀 bold", entities=[MessageEntity(MessageEntity.BOLD, 4, 4)]
    )
    assert message.parse_entities() == {message.entities[0]: "bold"}
