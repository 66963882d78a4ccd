"""Uploaded files in scenarios."""

from __future__ import annotations

from support.client import Client
from support.talks import CHAT, talker
from support.uploads import media_path, uploaded

from sandbox import Sandbox


async def test_an_uploaded_file_is_sent_and_stays_while_it_is_needed(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    bot = {"id": talk.bot_id}
    photo = await uploaded(ann, bot, b"a cat", mime_type="image/png")
    said = {"text": "A cat", "media": {"type": "photo", "upload": photo["id"]}}
    await talk.publish({"start": "cat", "states": {"cat": {"say": said, "end": True}}})
    await talk.says("Hello")
    (sent,) = telegram.sent(talk.bot.id, chat_id=CHAT)
    assert (sent.method, sent.message["caption"]) == ("sendPhoto", "A cat")

    address = f"{media_path(bot)}{photo['id']}/"
    refused = await ann.delete(address)
    assert (refused.status, refused.json["code"]) == (409, "file_in_use")
    await talk.publish({"start": "cat", "states": {"cat": {"say": "No cat", "end": True}}})
    assert (await ann.delete(address)).status == 204


async def test_a_scenario_with_a_file_that_the_bot_does_not_have_is_not_published(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    photo = await uploaded(ann, {"id": talk.bot_id}, b"a cat", mime_type="image/png")
    as_file = {"type": "document", "upload": photo["id"]}
    album = [{"type": "photo", "upload": photo["id"]}, {"type": "photo", "upload": 999}]
    ask = {"type": "text", "retry": {"media": as_file}, "end": True}
    states = {"cat": {"say": ["Look:", {"media": album}], "ask": ask}}
    saved = await talk.save({"start": "cat", "states": states})
    places = ["/states/cat/say/1/media/1/upload", "/states/cat/ask/retry/media/upload"]
    assert [one["pointer"] for one in saved.json["problems"]] == places
    assert {one["code"] for one in saved.json["problems"]} == {"upload_unusable"}
    refused = await ann.post(f"{talk.path}publish/", {})
    assert (refused.status, list(refused.json["errors"])) == (400, places)
