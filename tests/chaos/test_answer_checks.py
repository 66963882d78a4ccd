"""The checks of answers fail when they should, on logs made by hand."""

from __future__ import annotations

import pytest

from chaos.answer_checks import (
    each_update_is_answered,
    first_answers_ascend,
    nothing_is_sent_while_off,
    repeats_overlap_a_fault,
    what_telegram_forgot_is_journaled,
)
from chaos.events import (
    Answered,
    Event,
    Fault,
    Forgotten,
    History,
    Injected,
    Journaled,
    Requested,
)

BOT, CHAT = 7, 1


def asked(text: str, *, at: float = 1.0, bot: int = BOT, chat: int = CHAT) -> Injected:
    return Injected(at, bot, chat, int(text), text)


def answer(text: str, at: float, *, bot: int = BOT, chat: int = CHAT, by: str = "a") -> Answered:
    return Answered(at, at + 0.1, bot, chat, text, by)


def request(wish: str, at: float, *, status: int = 200, bot: int = BOT) -> Requested:
    return Requested(at, at + 0.5, bot, "b", wish, status)


def history(*events: Event) -> History:
    return History(list(events), end=100.0)


# (1)


def test_answered_messages_are_fine() -> None:
    assert each_update_is_answered(history(asked("1"), answer("1", 2))) == []


@pytest.mark.parametrize("other", [answer("2", 2), answer("1", 2, chat=2), answer("1", 2, bot=8)])
def test_a_message_without_its_own_answer_is_wrong(other: Answered) -> None:
    (wrong,) = each_update_is_answered(history(asked("1"), other))
    assert "'1' of 1.000 was not answered" in wrong


def test_a_bot_that_was_deleted_need_not_answer() -> None:
    assert each_update_is_answered(history(asked("1"), request("delete", 2))) == []


# (2)


@pytest.mark.parametrize("begin", [2.05, 3.9])
def test_a_repeat_of_what_was_in_hand_in_a_fault_is_fine(begin: float) -> None:
    fault = Fault(begin, 10, "kill", "a")
    events = asked("1"), answer("1", 2), answer("1", 12, by="b"), fault
    assert repeats_overlap_a_fault(history(*events)) == []


@pytest.mark.parametrize("faults", [[], [Fault(9, 10, "kill", "a")], [Fault(0.1, 0.5, "x", "a")]])
def test_a_repeat_without_a_fault_is_wrong(faults: list[Fault]) -> None:
    (wrong,) = repeats_overlap_a_fault(
        history(asked("1"), answer("1", 2), answer("1", 12), *faults)
    )
    assert "without a fault" in wrong


def test_two_repeats_in_a_chat_of_one_fault_are_wrong() -> None:
    fault = Fault(2, 10, "kill", "a")
    texts = [answer(text, at) for at in (2, 12) for text in ("1", "2")]
    (wrong,) = repeats_overlap_a_fault(history(asked("1"), asked("2"), *texts, fault))
    assert "'2' is the second message" in wrong


def test_a_repeat_in_each_chat_of_one_fault_is_fine() -> None:
    fault = Fault(2, 10, "kill", "a")
    answers = [answer("1", at, chat=chat) for at in (2, 12) for chat in (1, 2)]
    questions = asked("1"), asked("1", chat=2)
    assert repeats_overlap_a_fault(history(*questions, *answers, fault)) == []


def test_a_second_repeat_needs_a_second_fault() -> None:
    faults = [Fault(2, 5, "kill", "a"), Fault(12, 15, "kill", "b")]
    events = asked("1"), answer("1", 2), answer("1", 12), answer("1", 20)
    assert repeats_overlap_a_fault(history(*events, *faults)) == []
    assert len(repeats_overlap_a_fault(history(*events, faults[0]))) == 1


# (3)


def test_answers_in_order_are_fine_though_some_come_twice() -> None:
    order = [answer(text, at) for at, text in enumerate(["1", "2", "1", "10"])]
    assert first_answers_ascend(history(*map(asked, ("1", "2", "10")), *order)) == []


def test_a_first_answer_after_that_of_a_later_message_is_wrong() -> None:
    events = asked("2"), asked("10"), answer("10", 2), answer("2", 3)
    (wrong,) = first_answers_ascend(history(*events))
    assert "2 was answered at 3.000, after 10" in wrong


def test_chats_have_an_order_each() -> None:
    events = asked("2", chat=2), asked("10"), answer("10", 2), answer("2", 3, chat=2)
    assert first_answers_ascend(history(*events)) == []


# (4)


def test_what_was_stored_may_be_forgotten() -> None:
    events = Journaled(2, BOT, 5), Journaled(2, BOT, 6), Forgotten(3, BOT, (5, 6))
    assert what_telegram_forgot_is_journaled(history(*events)) == []


@pytest.mark.parametrize(
    ("stored", "told"),
    [(Journaled(2, BOT, 6), "never stored"), (Journaled(2, 8, 5), "never stored"),
     (Journaled(3.5, BOT, 5), "0.500 s too late")],
)  # fmt: skip
def test_an_update_that_was_not_stored_before_is_lost(stored: Journaled, told: str) -> None:
    (wrong,) = what_telegram_forgot_is_journaled(history(stored, Forgotten(3, BOT, (5,))))
    assert told in wrong


# (5)


def test_sends_before_off_and_after_on_are_fine() -> None:
    events = answer("1", 2.4), request("off", 2), request("on", 5), answer("2", 5.1)
    assert nothing_is_sent_while_off(history(*events)) == []


def test_on_again_at_once_is_fine() -> None:
    events = request("off", 2), request("on", 2.51), answer("1", 3)
    assert nothing_is_sent_while_off(history(*events)) == []


@pytest.mark.parametrize("wish", ["off", "delete"])
def test_a_send_after_the_answer_is_wrong(wish: str) -> None:
    status = 204 if wish == "delete" else 200
    (wrong,) = nothing_is_sent_while_off(history(request(wish, 2, status=status), answer("1", 3)))
    assert f"b had answered '{wish}' at 2.500" in wrong


def test_an_off_that_was_not_answered_promises_nothing() -> None:
    assert nothing_is_sent_while_off(history(request("off", 2, status=0), answer("1", 3))) == []


def test_other_bots_may_send() -> None:
    assert nothing_is_sent_while_off(history(request("off", 2, bot=8), answer("1", 3))) == []


def test_a_new_token_does_not_switch_a_bot_on() -> None:
    events = request("off", 2), request("token", 3), answer("1", 4)
    assert len(nothing_is_sent_while_off(history(*events))) == 1


def test_what_a_slow_line_delivers_late_is_excused_for_its_process_alone() -> None:
    events = request("off", 2), answer("1", 3), Fault(1, 2.8, "delay telegram", "a")
    assert nothing_is_sent_while_off(history(*events)) == []
    other = request("off", 2), answer("1", 3), Fault(1, 2.8, "delay telegram", "b")
    assert len(nothing_is_sent_while_off(history(*other))) == 1
