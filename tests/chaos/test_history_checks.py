"""The check of the history fails when it should, on logs made by hand."""

from __future__ import annotations

import pytest

from chaos.events import Delivered, Event, History, Injected, Kept, Requested
from chaos.history_checks import history_is_complete

BOT, CHAT = 7, 1


def written(text: str, *, bot: int = BOT, chat: int = CHAT) -> Injected:
    return Injected(float(text), bot, chat, int(text), text)


def received(number: int, text: str, *, bot: int = BOT, chat: int = CHAT) -> Kept:
    return Kept(90.0, bot, chat, number, "received", number, text)


def outgoing(number: int, telegram: int | None, *, state: str = "sent", chat: int = CHAT) -> Kept:
    return Kept(90.0, BOT, chat, number, state, telegram, "answer")


def at_telegram(number: int, *, bot: int = BOT, chat: int = CHAT) -> Delivered:
    return Delivered(91.0, bot, chat, number)


def check(*events: Event) -> list[str]:
    return history_is_complete(History(list(events), end=100.0))


def test_what_was_written_kept_and_delivered_is_fine() -> None:
    people = written("1"), written("2"), received(1, "1"), received(3, "2")
    other_chat = written("3", chat=2), received(2, "3", chat=2)
    assert check(*people, *other_chat, outgoing(4, 50), at_telegram(50)) == []


@pytest.mark.parametrize(
    "kept", [[], [received(2, "1", chat=2)], [received(2, "1", bot=8)], [outgoing(2, 9, state="x")]]
)
def test_what_is_not_kept_in_its_own_chat_is_wrong(kept: list[Kept]) -> None:
    assert f"bot {BOT}, chat {CHAT}: '1' is not kept" in check(written("1"), *kept)


def test_what_is_kept_twice_is_wrong() -> None:
    (wrong,) = check(written("1"), received(1, "1"), received(2, "1"))
    assert wrong == "bot 7, chat 1: '1' is kept 2 times"


def test_what_nobody_wrote_is_wrong() -> None:
    (wrong,) = check(written("1"), received(1, "1"), received(2, "5"))
    assert wrong == "bot 7, chat 1: '5' is kept, and nobody wrote it"


def test_another_order_is_wrong() -> None:
    people = written("2"), written("10"), received(1, "10"), received(2, "2")
    assert check(*people) == ["bot 7, chat 1: '10' is kept before '2', which was written first"]


def test_a_bot_that_was_deleted_needs_no_history() -> None:
    gone = Requested(5, 6, BOT, "a", "delete", 0)
    assert check(written("1"), gone) == []
    assert len(check(written("1"), written("1", bot=8), gone)) == 1


@pytest.mark.parametrize(
    ("row", "delivered"),
    [(outgoing(1, 50), []), (outgoing(1, None), [at_telegram(50)]),
     (outgoing(1, 50), [at_telegram(51), at_telegram(50, chat=2), at_telegram(50, bot=8)])],
)  # fmt: skip
def test_what_is_told_as_sent_and_is_not_at_telegram_is_wrong(
    row: Kept, delivered: list[Delivered]
) -> None:
    (wrong,) = check(row, *delivered)
    assert "message 1, told as sent," in wrong
    assert "which the sandbox does not have" in wrong


def test_two_messages_with_one_id_of_telegram_are_wrong() -> None:
    (wrong,) = check(outgoing(1, 50), outgoing(2, 50), at_telegram(50))
    assert "message 2, told as sent, has Telegram's id 50 of another one" in wrong


@pytest.mark.parametrize("state", ["queued", "sending", "unknown", "failed"])
def test_what_is_not_told_as_sent_promises_nothing(state: str) -> None:
    assert check(outgoing(1, None, state=state), at_telegram(50)) == []
