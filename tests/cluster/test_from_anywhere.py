"""What one server shows and takes of bots that another one runs."""

from __future__ import annotations

import asyncio

import pytest
from support.client import BOTS, DEADLINE, until
from support.ensemble import Two
from support.event_stream import streaming

from sandbox import Sandbox, SandboxBot


async def test_states_are_told_at_another_server(two: Two) -> None:
    async with streaming(two.there) as stream:
        assert stream.states() == ["running"]
        await two.here.patch(two.path, {"active": False})
        await until(lambda: stream.states()[-1] == "stopped", "the new state")
        await two.here.patch(two.path, {"active": True})
        await until(lambda: stream.states()[-1] == "running", "the new state")


async def test_counters_are_told_at_another_server(two: Two, telegram: Sandbox) -> None:
    async with streaming(two.there) as stream:
        before = len(stream.events)
        telegram.send_message(two.bot.id, text="hello", chat_id=7)

        def is_told() -> bool:
            return any(
                kind == "counters" and data["last_update_at"] is not None
                for kind, data in stream.events[before:]
            )

        await until(is_told, "the counters")


async def test_a_message_is_written_at_another_server(two: Two, telegram: Sandbox) -> None:
    telegram.send_message(two.bot.id, text="hello", chat_id=7)
    await until(lambda: telegram.sent(two.bot.id), "the answer")
    async with streaming(two.there) as stream:
        answer = await two.there.post(f"{two.path}chats/7/messages/", {"text": "written there"})
        assert answer.status == 202, answer.text
        number = answer.json["items"][0]["id"]

        def told() -> list[str]:
            return [
                data["message"]["state"]
                for kind, data in stream.events
                if kind == "message_state" and data["message"]["id"] == number
            ]

        await until(lambda: told()[-1:] == ["sent"], "that it was sent")
        assert told().count("sent") == 1
    assert telegram.sent(two.bot.id)[-1].message["text"] == "written there"


async def test_a_deletion_is_told_at_another_server(two: Two) -> None:
    async with streaming(two.there) as stream:
        await two.here.delete(two.path)
        await until(lambda: stream.events[-1][0] == "deleted", "the deletion")


async def test_a_session_that_ends_ends_its_stream_at_another_server(two: Two) -> None:
    async with streaming(two.there) as stream:
        assert (await two.here.post("/rest-auth/logout/")).status == 200
        async with asyncio.timeout(DEADLINE):
            while not stream.ended:
                await asyncio.sleep(0.01)
        assert (await two.there.get(BOTS)).status == 401


@pytest.fixture
async def sent(two: Two, telegram: Sandbox) -> str:
    """The path of a message that was written and sent at server `one`."""
    telegram.send_message(two.bot.id, text="hello", chat_id=7)
    await until(lambda: telegram.sent(two.bot.id), "the answer")
    answer = await two.here.post(f"{two.path}chats/7/messages/", {"text": "first"})
    path = f"{two.path}messages/{answer.json['items'][0]['id']}/"
    async with asyncio.timeout(DEADLINE):
        while (await two.here.get(path)).json["state"] != "sent":
            await asyncio.sleep(0.01)
    return path


def said(telegram: Sandbox, bot: SandboxBot) -> list[str]:
    """What the user sees."""
    return [str(one.present_text) for one in telegram.sent(bot.id) if not one.deleted]


async def test_a_message_is_edited_and_deleted_at_another_server(
    two: Two, sent: str, telegram: Sandbox
) -> None:
    answer = await two.there.patch(sent, {"text": "second"})
    assert (answer.status, answer.json["items"][0]["text"]) == (200, "second"), answer.text
    assert "second" in said(telegram, two.bot)
    assert (await two.there.delete(sent)).status == 204
    assert "second" not in said(telegram, two.bot)
    assert (await two.there.patch(sent, {"text": "third"})).status == 404


async def test_why_a_message_is_not_edited_is_told_at_another_server(
    two: Two, sent: str, telegram: Sandbox
) -> None:
    telegram.inject(
        kind="status", status=400, method="editMessageText", times=1, description="Bad Request: no"
    )
    assert (await two.there.patch(sent, {"text": "second"})).json["code"] == "telegram_refused"
    await two.here.patch(two.path, {"active": False})
    assert (await two.there.patch(sent, {"text": "second"})).json["code"] == "bot_is_off"
    assert said(telegram, two.bot)[-1] == "first"


async def test_what_people_write_is_told_and_read_at_another_server(
    two: Two, telegram: Sandbox
) -> None:
    async with streaming(two.there) as stream:

        async def heard(kind: str, text: str | None) -> None:
            telegram.send_message(two.bot.id, text="is it there?", chat_id=7)
            await until(
                lambda: any(
                    seen == kind and (text is None or data["message"]["text"] == text)
                    for seen, data in stream.events
                ),
                kind,
            )

        # a server learns a moment later that somebody reads at another one
        await heard("message", "is it there?")
        await heard("chat", None)
        chats = (await two.there.get(f"{two.path}chats/")).json["items"]
        assert [(chat["chat_id"], chat["last_message"]["text"]) for chat in chats] == [
            (7, "is it there?")
        ]
        stream.events.clear()
        read = await two.here.post(f"{two.path}chats/7/read/")
        assert read.json["unread"] == 0
        await until(
            lambda: any(
                kind == "chat" and data["chat"]["unread"] == 0 for kind, data in stream.events
            ),
            "the mark",
        )
        await two.here.delete(f"{two.path}chats/7/")
        await until(
            lambda: any(kind == "chat" and data["chat"] is None for kind, data in stream.events),
            "the erasure",
        )
