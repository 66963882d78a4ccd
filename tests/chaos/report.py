"""All checks of a history, and what there was to check."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from statistics import median

from chaos import answer_checks, history_checks, process_checks, talk_checks
from chaos.events import (
    Answered,
    Fault,
    Forgotten,
    History,
    Injected,
    Journaled,
    Kept,
    Polled,
    Published,
    Registered,
    Requested,
    Stepped,
    Stood,
    Written,
)

SHOWN = 10  # sentences of a check
RECENT = 15.0  # seconds after a fault in which a bot has moved because of it

Check = Callable[[History], list[str]]


def checks(*, alone: bool) -> dict[str, Check]:
    """The twelve checks by what they show.

    Args:
        alone: there is one process, and nobody takes over.
    """
    return {
        "1 each update is answered": answer_checks.each_update_is_answered,
        "2 repeats overlap a fault": answer_checks.repeats_overlap_a_fault,
        "3 first answers ascend": answer_checks.first_answers_ascend,
        "4 what is forgotten is journaled": answer_checks.what_telegram_forgot_is_journaled,
        "5 nothing is sent while off": answer_checks.nothing_is_sent_while_off,
        "6 fenced commits end before": process_checks.fenced_commits_end_before_the_takeover,
        "7 processes do not overlap": process_checks.processes_do_not_overlap,
        "8 no wanted bot is silent": partial(process_checks.no_wanted_bot_is_silent, alone=alone),
        "9 switches are answered": process_checks.switches_are_answered_in_time,
        "10 conflicts follow faults": process_checks.conflicts_follow_faults,
        "11 the history is complete": history_checks.history_is_complete,
        "12 talks go step by step": talk_checks.talks_go_step_by_step,
    }


def moves(history: History) -> list[float]:
    """How long after a fault of its process each bot was polled by another one, in order."""
    begins: dict[str, list[float]] = defaultdict(list)
    for fault in history.of(Fault):
        begins[fault.target].append(fault.begin)
    last: dict[int, Polled] = {}
    found = []
    for poll in history.of(Polled):
        before = last.get(poll.bot)
        last[poll.bot] = poll
        if before is None or before.process == poll.process:
            continue
        faults = begins[before.process]
        at = bisect_right(faults, poll.begin) - 1
        if at >= 0 and poll.begin - faults[at] < RECENT:
            found.append(poll.begin - faults[at])
    return sorted(found)


def counts(history: History, *, alone: bool) -> list[str]:
    """What happened how often, and the longest times; a line each."""
    answers, requests = history.of(Answered), history.of(Requested)
    injected = {(one.bot, one.chat, one.text) for one in history.of(Injected)}
    times = Counter(key for one in answers if (key := (one.bot, one.chat, one.text)) in injected)
    faults = Counter(fault.kind for fault in history.of(Fault))
    wishes = Counter((request.wish, request.status) for request in requests)
    polls = history.of(Polled)
    slowest = max((r.end - r.begin for r in requests if r.status in (200, 204)), default=0.0)
    silences = process_checks.longest_silences(history, alone=alone)
    longest, since = max(silences.values(), default=(0.0, 0.0))
    rows, moved = history.of(Registered), moves(history)
    versions = history.of(Published)
    return [
        f"injected {len(injected)}, answered {len(times)}, "
        f"answered again {sum(times.values()) - len(times)}, by process "
        f"{dict(sorted(Counter(one.process for one in answers).items()))}",
        f"stored {len(history.of(Journaled))}, "
        f"forgotten {sum(len(one.updates) for one in history.of(Forgotten))}, "
        f"commits {len(history.of(Written))}",
        "history at the end: "
        + ", ".join(f"{n} {state}" for state, n in sorted(_states(history).items())),
        f"talks {len(history.of(Stood))}, steps {len(history.of(Stepped))}, versions "
        f"{len(versions)}, {sum(one.restarts for one in versions)} with which talks begin anew",
        f"polls {len(polls)}, with 409 {sum(poll.status == 409 for poll in polls)}, "
        f"longest without {longest:.2f} s, from {since:.3f} on",
        f"requests {len(requests)}, slowest {slowest:.2f} s: "
        + ", ".join(f"{wish} {status}: {n}" for (wish, status), n in sorted(wishes.items())),
        f"faults {sum(faults.values())}: "
        + ", ".join(f"{kind}: {n}" for kind, n in sorted(faults.items())),
        f"rows of processes {len(rows)}, taken over {sum(row.taken_over for row in rows)}; "
        f"bots polled elsewhere soon after a fault {len(moved)}"
        + (f", median {median(moved):.2f} s, longest {moved[-1]:.2f} s" if moved else ""),
    ]


def _states(history: History) -> Counter[str]:
    return Counter(row.state for row in history.of(Kept))


def report(history: History, *, alone: bool) -> int:
    """Print the counts and what is wrong; how many checks have failed."""
    print(*counts(history, alone=alone), sep="\n")
    failed = 0
    for name, check in checks(alone=alone).items():
        wrong = check(history)
        failed += bool(wrong)
        print(f"{'FAILED' if wrong else 'ok':6} {name}" + (f": {len(wrong)}" if wrong else ""))
        for sentence in wrong[:SHOWN]:
            print(f"         {sentence}")
    return failed
