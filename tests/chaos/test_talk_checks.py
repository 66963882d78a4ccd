"""The check of talks fails when it should, on logs made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaos.events import Event, History, Injected, Published, Requested, Stepped, Stood, Unhandled
from chaos.talk_checks import talks_go_step_by_step

BOT, CHAT = 7, 1
STATES = "tick", "tock"
FIRST = Published(90.0, BOT, 1, restarts=False)
AGAIN = Published(90.0, BOT, 2, restarts=True)


def written(number: int, *, bot: int = BOT) -> Injected:
    return Injected(float(number), bot, CHAT, 100 + number, str(number))


def step(number: int, count: int, *, version: int = 1, **changed: object) -> Stepped:
    state = STATES[(count - 1) % 2] if count > 1 else ""
    made = Stepped(
        90.0, BOT, CHAT, 100 + number, version, state, STATES[count % 2],
        count - 1 or None, count, str(number),
    )  # fmt: skip
    return replace(made, **changed)


def stood(number: int, count: int, *, version: int = 1) -> Stood:
    return Stood(90.0, BOT, CHAT, version, STATES[count % 2], count, str(number))


def check(*events: Event) -> list[str]:
    return talks_go_step_by_step(History([FIRST, *events], end=100.0))


THREE = [written(1), written(2), written(3)]


def test_a_talk_that_counts_is_fine() -> None:
    assert check(*THREE, step(1, 1), step(2, 2), step(3, 3), stood(3, 3)) == []


def test_a_talk_that_begins_anew_after_such_a_publish_is_fine() -> None:
    steps = step(1, 1), step(2, 1, version=2), step(3, 2, version=2)
    assert check(AGAIN, *THREE, *steps, stood(3, 2, version=2)) == []


def test_a_talk_that_begins_anew_without_a_reason_is_wrong() -> None:
    wrong = check(*THREE, step(1, 1), step(2, 1), step(3, 2), stood(3, 2))
    assert wrong == [
        "bot 7, chat 1: '2' was counted from None to 1 in state '', not from 1 in 'tock'"
    ]


def test_a_talk_that_goes_on_instead_of_beginning_anew_is_wrong() -> None:
    steps = step(1, 1), step(2, 2, version=2), step(3, 3, version=2)
    assert len(check(AGAIN, *THREE, *steps, stood(3, 3, version=2))) == 1


@pytest.mark.parametrize(
    ("events", "told"),
    [([step(1, 1), step(3, 2), stood(3, 2)], "'2' was no step"),
     ([step(1, 1), step(2, 2), step(3, 4), stood(3, 4)], "'3' was counted from 3 to 4"),
     ([step(1, 1), step(2, 2, text="1"), step(3, 3), stood(3, 3)], "'2' was taken as '1'"),
     ([step(1, 1), step(2, 2), step(3, 3), step(4, 4), stood(4, 4)], "nobody wrote it"),
     ([step(1, 1), step(2, 2), step(3, 3), stood(2, 2)], "its log says (1, 'tock', 3, '3')"),
     ([step(1, 1), step(2, 2), step(3, 3)], "it has steps, and no talk"),
     ([step(1, 1, version=2), step(2, 2), step(3, 3), stood(3, 3)], "in version 1, after 2")],
)  # fmt: skip
def test_what_is_lost_or_done_twice_is_wrong(events: list[Event], told: str) -> None:
    (wrong,) = check(*THREE, *events)
    assert told in wrong


def test_a_talk_without_a_message_is_wrong() -> None:
    assert check(stood(1, 1)) == ["bot 7, chat 1: it has a talk, and nobody wrote"]


def test_an_update_that_waits_is_wrong() -> None:
    assert check(Unhandled(90.0, 8, 5)) == ["bot 8: update 5 is not handled"]


def test_bots_that_are_deleted_and_those_without_a_scenario_are_left_out() -> None:
    deletion = Requested(1.0, 2.0, BOT, "a", "delete", 0)
    assert check(written(1), step(2, 2), stood(2, 2), Unhandled(90.0, BOT, 5), deletion) == []
    assert check(written(1, bot=8)) == []
