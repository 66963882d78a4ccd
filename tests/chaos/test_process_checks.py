"""The checks of processes fail when they should, on logs made by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from chaos.events import (
    UNFINISHED,
    Answered,
    Event,
    EventLog,
    Fault,
    Forgotten,
    History,
    Polled,
    Registered,
    Requested,
    Written,
    read,
)
from chaos.process_checks import (
    conflicts_follow_faults,
    fenced_commits_end_before_the_takeover,
    longest_silences,
    no_wanted_bot_is_silent,
    processes_do_not_overlap,
    switches_are_answered_in_time,
)
from chaos.report import moves
from chaos.windows import ENGINE, windows

BOT = 7


def history(*events: Event, end: float = 100.0) -> History:
    return History(list(events), end=end)


def poll(begin: float, end: float, *, by: str = "a", status: int = 200) -> Polled:
    return Polled(begin, end, BOT, by, 0, status)


def on(at: float = 0.0) -> Requested:
    return Requested(at, at, BOT, "a", "on", 200)


def off(at: float) -> Requested:
    return Requested(at, at + 1, BOT, "a", "off", 200)


# (6)

ROW = Registered(10, 20, 1, "a", "session-a", taken_over=True)


@pytest.mark.parametrize("at", [10, 19.999])
def test_commits_while_the_row_is_there_are_fine(at: float) -> None:
    assert fenced_commits_end_before_the_takeover(history(ROW, Written(at, "session-a"))) == []


def test_a_commit_after_the_takeover_is_wrong() -> None:
    (wrong,) = fenced_commits_end_before_the_takeover(history(ROW, Written(20.5, "session-a")))
    assert "a committed at 20.500, 0.500 s after its row 1 was deleted" in wrong


def test_a_commit_under_a_new_row_is_fine() -> None:
    new = Registered(21, math.inf, 2, "a", "session-a", taken_over=False)
    assert fenced_commits_end_before_the_takeover(history(ROW, new, Written(22, "session-a"))) == []


def test_a_commit_between_two_rows_is_wrong() -> None:
    new = Registered(21, math.inf, 2, "a", "session-a", taken_over=False)
    wrong = fenced_commits_end_before_the_takeover(history(ROW, new, Written(20.9, "session-a")))
    assert len(wrong) == 1


def test_commits_of_other_sessions_are_none_of_it() -> None:
    assert fenced_commits_end_before_the_takeover(history(ROW, Written(25, "psql"))) == []


# (7)


def sent(begin: float, end: float, by: str, bot: int = BOT) -> Answered:
    return Answered(begin, end, bot, 1, "1", by)


def test_processes_one_after_the_other_are_fine() -> None:
    events = sent(1, 2, "a"), sent(1.5, 2.5, "a"), sent(2.5, 3, "b")
    assert processes_do_not_overlap(history(*events)) == []


def test_two_processes_at_once_are_wrong() -> None:
    long, short = sent(1, 5, "a"), sent(2, 3, "a")
    (wrong,) = processes_do_not_overlap(history(long, short, sent(4, 6, "b")))
    assert "b sent '1' at 4.000 while a sent '1' until 5.000" in wrong


def test_two_bots_may_be_on_two_processes() -> None:
    assert processes_do_not_overlap(history(sent(1, 5, "a"), sent(2, 3, "b", bot=8))) == []


# (8)


def test_a_bot_that_is_polled_all_the_time_is_fine() -> None:
    assert no_wanted_bot_is_silent(history(on(), poll(1, 50), poll(50.1, 95))) == []


def test_a_gap_of_ten_seconds_is_wrong() -> None:
    events = on(), poll(0, 50), poll(62, 100)
    assert no_wanted_bot_is_silent(history(*events)) == [
        "bot 7 was not polled for 12.0 s from 50.000 on"
    ]


@pytest.mark.parametrize("polls", [[poll(12, 100)], [poll(0, 85)], []])
def test_a_gap_at_either_end_is_wrong(polls: list[Polled]) -> None:
    assert len(no_wanted_bot_is_silent(history(on(), *polls))) == 1


def test_a_bot_that_is_off_need_not_be_polled() -> None:
    events = on(), poll(0, 20), off(20), on(60), poll(61, 100)
    assert no_wanted_bot_is_silent(history(*events)) == []


def test_polls_that_are_refused_are_none() -> None:
    refused = [poll(50 + n, 51 + n, status=401) for n in range(50)]
    assert len(no_wanted_bot_is_silent(history(on(), poll(0, 50), *refused))) == 1


def test_a_held_poll_that_a_new_token_ended_is_one() -> None:
    assert no_wanted_bot_is_silent(history(on(), poll(0, 50, status=401), poll(51, 100))) == []


def test_a_process_that_does_not_reach_telegram_has_more_time() -> None:
    hole = Fault(20, 32, "black hole telegram", "a")
    assert no_wanted_bot_is_silent(history(on(), poll(0, 50), poll(50, 100), hole)) == []
    events = on(), poll(0, 20), poll(46, 100), hole
    assert len(no_wanted_bot_is_silent(history(*events))) == 1


def test_the_poll_of_a_process_that_stands_still_counts_to_its_fault() -> None:
    events = on(), poll(0, 30.1), Fault(20, 31, "stop", "a"), poll(35, 100, by="b")
    assert longest_silences(history(*events)) == {BOT: (15.0, 20)}
    events = on(), poll(0, 50), Fault(20, 30, "stop", "b"), poll(50, 100, by="b")
    assert longest_silences(history(*events)) == {BOT: (0.0, 0.0)}


def test_a_poll_that_outlives_a_short_freeze_counts_again() -> None:
    events = on(), poll(0, 50), Fault(20, 22, "stop", "a"), poll(50, 100)
    assert longest_silences(history(*events)) == {BOT: (2.0, 20)}


def test_a_process_without_its_database_still_polls() -> None:
    events = on(), poll(0, 50), Fault(20, 32, "black hole database", "a"), poll(50, 100)
    assert longest_silences(history(*events)) == {BOT: (0.0, 0.0)}


def test_a_poll_of_a_process_that_was_taken_over_counts_to_its_fault() -> None:
    hole = Fault(20, 40, "black hole database", "a")
    rows = Registered(0, 26, 1, "a", "s1", True), Registered(41, math.inf, 3, "a", "s3", False)
    other = poll(26.5, 60, by="b")
    events = on(), poll(0, 50), hole, *rows, other, poll(60, 100)
    assert longest_silences(history(*events)) == {BOT: (6.5, 20)}
    alone = on(), poll(0, 50), hole, *rows, poll(50, 100)
    assert longest_silences(history(*alone)) == {BOT: (21.0, 20)}


def test_the_time_without_an_engine_does_not_count() -> None:
    away = Fault(20, 40, "restart", ENGINE)
    events = on(), poll(0, 20), poll(45, 100), away
    seconds, since = longest_silences(history(*events))[BOT]
    assert (round(seconds, 6), since) == (2.0, 20)


def test_a_process_that_is_alone_is_its_engine() -> None:
    events = on(), poll(0, 20), poll(45, 100), Fault(20, 40, "kill", "a")
    assert len(no_wanted_bot_is_silent(history(*events))) == 1
    assert no_wanted_bot_is_silent(history(*events), alone=True) == []


# (9)


def switch(took: float, *, status: int = 200, at: float = 50.0, by: str = "a") -> Requested:
    return Requested(at, at + took, BOT, by, "on", status)


def test_a_quick_switch_is_fine() -> None:
    assert switches_are_answered_in_time(history(switch(9.9))) == []


def test_a_switch_of_ten_seconds_is_wrong_though_another_process_had_a_fault() -> None:
    fault = Fault(52, 55, "kill", "b")
    assert switches_are_answered_in_time(history(switch(10), fault)) == [
        "a answered 'on' of bot 7 after 10.0 s"
    ]


def test_a_switch_that_fails_is_wrong() -> None:
    (wrong,) = switches_are_answered_in_time(history(switch(1, status=503)))
    assert "with 503" in wrong


def test_a_message_may_be_refused_and_a_switch_may_not() -> None:
    refused = Requested(50, 51, BOT, "a", "message", 404)
    assert switches_are_answered_in_time(history(refused)) == []
    assert len(switches_are_answered_in_time(history(switch(1, status=404)))) == 1


def test_an_internal_error_is_wrong_whatever_the_fault() -> None:
    fault = Fault(49, 55, "kill", "a")
    assert len(switches_are_answered_in_time(history(switch(1, status=500), fault))) == 1
    assert switches_are_answered_in_time(history(switch(1, status=503), fault)) == []


@pytest.mark.parametrize(("took", "wrong"), [(3, 0), (11, 1)])
def test_a_request_that_the_end_of_the_run_cut_off_had_its_time(took: float, wrong: int) -> None:
    assert len(switches_are_answered_in_time(history(switch(took, status=UNFINISHED)))) == wrong


@pytest.mark.parametrize("target", ["a", ENGINE])
def test_a_process_with_a_fault_need_not_answer(target: str) -> None:
    fault = Fault(52, 55, "kill", target)
    assert switches_are_answered_in_time(history(switch(20, status=0), fault)) == []


# (10)


@pytest.mark.parametrize("at", [20.5, 29.9])
def test_a_conflict_near_a_fault_is_fine(at: float) -> None:
    events = poll(1, at, status=409), Fault(20, 21, "kill", "b")
    assert conflicts_follow_faults(history(*events)) == []


@pytest.mark.parametrize("at", [19.0, 31.5])
def test_a_conflict_without_a_fault_is_wrong(at: float) -> None:
    events = poll(1, at, status=409), Fault(20, 21, "kill", "b")
    assert conflicts_follow_faults(history(*events)) == [f"bot 7: a got 409 at {at:.3f}"]


# what they share


def test_a_move_is_measured_from_the_fault_of_the_process_before() -> None:
    polls = poll(0, 20), poll(25.5, 30, by="b"), poll(31, 40), poll(80, 90, by="b")
    faults = Fault(20, 26, "kill", "a"), Fault(29, 30, "kill", "c")
    assert moves(history(*polls, *faults)) == [5.5]


def test_faults_that_overlap_are_one_window() -> None:
    found = windows([Fault(5, 9, "x", "a"), Fault(1, 3, "x", "a"), Fault(2, 4, "x", "b")])
    assert (list(found.begins), list(found.ends), list(found.faults)) == ([1, 5], [4, 9], [0, 2])
    assert [found.find(at, at) for at in (0.5, 1, 4, 4.5, 6, 10)] == [None, 0, 0, None, 2, None]
    assert found.overlap(3.5, 7) == 2.5


def test_a_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    events: list[Event] = [
        ROW,
        on(),
        poll(1, 2),
        Forgotten(3.0, BOT, (1, 2)),
        Fault(1, 2, "kill", "a"),
    ]
    for event in events:
        log.add(event)
    log.close()
    assert list(read((tmp_path / "log").read_text().splitlines())) == events
