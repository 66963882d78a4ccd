"""What must be true of processes, ownership and times. Each check is linear in the log.

A check returns a sentence for each thing that is wrong.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from chaos.events import (
    UNFINISHED,
    Answered,
    Fault,
    History,
    Polled,
    Registered,
    Requested,
    Written,
)
from chaos.windows import ENGINE, Windows, of_process, windows

INTERNAL = 500  # an error that nobody thought of: no fault excuses it
MOST = 10.0  # seconds without a poll, for a switch, and after a fault until the last 409
# A process that was just mended begins to serve, and the engine's connections are made anew.
AFTERMATH = 3.0
# In these a process cannot take the answer of a poll, though Telegram still holds it.
_SILENT = ("stop", "black hole telegram")
# A process that alone does not reach Telegram has thirty seconds until it gives its bots away.
_PATIENT = "black hole telegram"
HELD = 2.0  # seconds after which a poll was held, however it ended: by a new token with 401


def fenced_commits_end_before_the_takeover(history: History) -> list[str]:
    """(6) A process commits nothing for its bots when its row is gone.

    Each commit names its database session, and so does the row; both have the time of their
    commit, of one clock, and the locks that the fence takes order the two.
    """
    rows: dict[str, list[Registered]] = defaultdict(list)
    for row in history.of(Registered):
        rows[row.session].append(row)
    wrong = []
    for write in history.of(Written):
        known = rows.get(write.session)
        if known is None or any(row.begin <= write.at < row.end for row in known):
            continue  # not a process's session, or its row was there
        last = max((row for row in known if row.begin <= write.at), key=lambda row: row.end)
        wrong.append(
            f"{last.name} committed at {write.at:.3f}, {write.at - last.end:.3f} s after "
            f"its row {last.id} was deleted"
        )
    return wrong


def processes_do_not_overlap(history: History) -> list[str]:
    """(7) Sends of a bot by different processes do not overlap in time."""
    latest: dict[int, Answered] = {}  # by bot, the one that ended last
    wrong = []
    for answer in history.of(Answered):
        before = latest.get(answer.bot)
        if before and before.process != answer.process and answer.begin < before.end:
            wrong.append(
                f"bot {answer.bot}: {answer.process} sent {answer.text!r} at {answer.begin:.3f} "
                f"while {before.process} sent {before.text!r} until {before.end:.3f}"
            )
        if before is None or answer.end > before.end:
            latest[answer.bot] = answer
    return wrong


def longest_silences(history: History, *, alone: bool = False) -> dict[int, tuple[float, float]]:
    """The longest time that each wanted bot was without a poll, and when it began.

    The time in which the engine or Telegram was away does not count. A poll of a process that is
    silenced, or has lost its bots, is none meanwhile, though Telegram still holds it.

    Args:
        alone: there is one process: faults of it do not count either.
    """
    faults = history.of(Fault)
    excused = windows(
        (f for f in faults if alone or f.target == ENGINE or f.kind == _PATIENT), after=AFTERMATH
    )
    silences = [fault for fault in faults if fault.kind in _SILENT] + _losses(history)
    silent = {
        process: windows(of_process(silences, process))
        for process in {poll.process for poll in history.of(Polled)}
    }
    polls: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for poll in history.of(Polled):
        if poll.status in (0, 200, 409) or poll.end - poll.begin > HELD:
            polls[poll.bot] += _heard(poll, silent[poll.process])
    longest = {}
    for bot, wanted in _wanted(history).items():
        seen = _gaps(wanted, sorted(polls[bot]), excused)
        longest[bot] = max(seen, default=(0.0, 0.0))
    return longest


def _losses(history: History) -> list[Fault]:
    """When processes had lost their bots, from the fault that was the reason to a new row."""
    faults: dict[str, list[Fault]] = defaultdict(list)
    for fault in history.of(Fault):
        faults[fault.target].append(fault)
    found = []
    following: dict[str, float] = {}
    for row in reversed(history.of(Registered)):
        if row.taken_over:
            at = bisect_right(faults[row.name], row.end, key=lambda fault: fault.begin) - 1
            reason = faults[row.name][at] if at >= 0 else None
            begin = reason.begin if reason and row.end - reason.end < MOST else row.end
            stop = following.get(row.name, float("inf"))
            found.append(Fault(begin, stop, "taken over", row.name))
        following[row.name] = row.begin
    return found


def _heard(poll: Polled, silent: Windows) -> Iterator[tuple[float, float]]:
    """The parts of a poll in which its process could have taken an answer."""
    begin, at = poll.begin, max(bisect_right(silent.begins, poll.begin) - 1, 0)
    while at < len(silent.begins) and silent.begins[at] < poll.end:
        if silent.ends[at] > begin:
            yield begin, max(begin, silent.begins[at])
            begin = silent.ends[at]
        at += 1
    if begin < poll.end:
        yield begin, poll.end


def _wanted(history: History) -> dict[int, list[tuple[float, float]]]:
    """When each bot was to be on: from the answer to "on" until it is asked to be off."""
    wanted: dict[int, list[tuple[float, float]]] = defaultdict(list)
    since: dict[int, float] = {}
    for request in history.of(Requested):
        was_on = request.bot in since
        if request.wish in ("off", "token", "delete") and was_on:
            wanted[request.bot].append((since.pop(request.bot), request.begin))
        switched_on = request.wish == "on" or (request.wish == "token" and was_on)
        if switched_on and 200 <= request.status < 300:
            since.setdefault(request.bot, request.end)
    for bot, begin in since.items():
        wanted[bot].append((begin, history.end))
    return wanted


def _gaps(
    wanted: list[tuple[float, float]], polls: list[tuple[float, float]], excused: Windows
) -> Iterator[tuple[float, float]]:
    """The gaps between polls in the times in which a bot was wanted: how long, and since when."""
    at = 0
    for begin, end in wanted:
        covered = begin
        while at < len(polls) and polls[at][0] < end:
            start, stop = polls[at]
            at += 1
            if start > covered:
                yield start - covered - excused.overlap(covered, start), covered
            covered = max(covered, stop)
        if end > covered:
            yield end - covered - excused.overlap(covered, end), covered


def no_wanted_bot_is_silent(history: History, *, alone: bool = False) -> list[str]:
    """(8) No bot that is to be on is without a poll for ten seconds."""
    return [
        f"bot {bot} was not polled for {seconds:.1f} s from {since:.3f} on"
        for bot, (seconds, since) in longest_silences(history, alone=alone).items()
        if seconds >= MOST
    ]


def switches_are_answered_in_time(history: History) -> list[str]:
    """(9) A switch is answered within ten seconds, unless its own process or the engine is away.

    So is every other request of an owner. A message may be refused: its bot is deleted
    meanwhile, or has not heard of the chat yet.
    """
    faults = history.of(Fault)
    away = {
        process: windows(of_process(faults, process), after=AFTERMATH)
        for process in {request.process for request in history.of(Requested)}
    }
    wrong = []
    for request in history.of(Requested):
        excused = away[request.process].find(request.begin, request.end) is not None
        if excused and request.status != INTERNAL:
            continue
        if request.status == UNFINISHED and request.end - request.begin < MOST:
            continue
        took, what = request.end - request.begin, f"{request.wish!r} of bot {request.bot}"
        if took >= MOST and request.status != INTERNAL:
            wrong.append(f"{request.process} answered {what} after {took:.1f} s")
        elif not (
            200 <= request.status < 300 or (request.status == 404 and request.wish == "message")
        ):
            wrong.append(
                f"{request.process} answered {what} of {request.begin:.3f} with {request.status}"
            )
    return wrong


def conflicts_follow_faults(history: History) -> list[str]:
    """(10) Telegram answers 409 only during a fault, and in the ten seconds after it."""
    around = windows(history.of(Fault), after=MOST)
    return [
        f"bot {poll.bot}: {poll.process} got 409 at {poll.end:.3f}"
        for poll in history.of(Polled)
        if poll.status == 409 and around.find(poll.end, poll.end) is None
    ]
