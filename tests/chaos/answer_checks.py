"""What must be true of answers and of what Telegram forgot. Each check is linear in the log.

A check returns a sentence for each thing that is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from chaos.events import Answered, Fault, Forgotten, History, Injected, Journaled, Requested
from chaos.windows import windows

# An answer is marked in the journal so soon after it has left, on a busy machine.
MARKED = 2.0
# What was in hand when a fault ended is sent again so soon.
AFTERMATH = 1.0
# A send that had left its process before the answer to "off" may still have been under way.
ON_THE_WAY = 0.2

Key = tuple[int, int, str]  # bot, chat, text


def _first_answers(history: History) -> dict[Key, Answered]:
    first: dict[Key, Answered] = {}
    for answer in history.of(Answered):
        first.setdefault((answer.bot, answer.chat, answer.text), answer)
    return first


def _deleted(history: History) -> set[int]:
    """Bots whose deletion was asked for, done or not."""
    return {one.bot for one in history.of(Requested) if one.wish == "delete"}


def each_update_is_answered(history: History) -> list[str]:
    """(1) Each message that was injected is answered; those to bots that were deleted may be."""
    answered, deleted = _first_answers(history), _deleted(history)
    return [
        f"bot {one.bot}, chat {one.chat}: {one.text!r} of {one.at:.3f} was not answered"
        for one in history.of(Injected)
        if one.bot not in deleted and (one.bot, one.chat, one.text) not in answered
    ]


def repeats_overlap_a_fault(history: History) -> list[str]:
    """(2) What is answered again was in hand during a fault, and is one message a chat and fault.

    In hand is an answer from its beginning until it is marked; see `MARKED`.
    """
    faults = windows(history.of(Fault), after=AFTERMATH)
    injected = {(one.bot, one.chat, one.text) for one in history.of(Injected)}
    first: dict[Key, Answered] = {}
    repeated: Counter[tuple[int, int, int]] = Counter()
    wrong = []
    for answer in history.of(Answered):
        key = (answer.bot, answer.chat, answer.text)
        before = first.setdefault(key, answer)
        if before is answer or key not in injected:
            continue
        where = f"bot {answer.bot}, chat {answer.chat}: {answer.text!r}"
        # another repeat belongs to another fault: the handling before it was the repeat's
        fault = faults.find(before.begin, before.end + MARKED)
        first[key] = answer
        if fault is None:
            wrong.append(
                f"{where} was answered by {before.process} at {before.begin:.3f} and again by "
                f"{answer.process} at {answer.begin:.3f}, without a fault"
            )
            continue
        repeated[answer.bot, answer.chat, fault] += 1
        if repeated[answer.bot, answer.chat, fault] > 1:
            wrong.append(f"{where} is the second message that one fault repeated in its chat")
    return wrong


def first_answers_ascend(history: History) -> list[str]:
    """(3) In each chat, messages are answered in the order in which they were written."""
    injected = {(one.bot, one.chat, one.text) for one in history.of(Injected)}
    latest: dict[tuple[int, int], int] = defaultdict(int)
    wrong = []
    for (bot, chat, text), answer in _first_answers(history).items():  # in order of time
        if (bot, chat, text) not in injected:
            continue
        if int(text) < latest[bot, chat]:
            wrong.append(
                f"bot {bot}, chat {chat}: {text} was answered at {answer.begin:.3f}, "
                f"after {latest[bot, chat]}"
            )
        latest[bot, chat] = max(latest[bot, chat], int(text))
    return wrong


def what_telegram_forgot_is_journaled(history: History) -> list[str]:
    """(4) Telegram forgets only updates that were stored before."""
    stored = {(one.bot, one.update): one.at for one in history.of(Journaled)}
    wrong = []
    for bot, update, at in _forgotten(history):
        when = stored.get((bot, update))
        if when is None:
            wrong.append(f"bot {bot}: update {update}, forgotten at {at:.3f}, was never stored")
        elif when > at:
            wrong.append(f"bot {bot}: update {update} was stored {when - at:.3f} s too late")
    return wrong


def _forgotten(history: History) -> Iterator[tuple[int, int, float]]:
    for one in history.of(Forgotten):
        for update in one.updates:
            yield one.bot, update, one.at


def nothing_is_sent_while_off(history: History) -> list[str]:
    """(5) After the answer to "off", no send of that bot begins until it is asked to be on.

    A send is seen where it arrives: what a slow line delivers late is excused.
    """
    late: dict[str, list[Fault]] = defaultdict(list)
    for fault in history.of(Fault):
        if fault.kind.endswith(" telegram"):
            late[fault.target].append(fault)
    slow = {process: windows(faults, after=AFTERMATH) for process, faults in late.items()}
    steps: list[tuple[float, int, Requested | Answered]] = []
    for request in history.of(Requested):
        if request.wish == "off" and request.status == 200:
            steps.append((request.end, 0, request))
        elif request.wish == "on":
            steps.append((request.begin, 1, request))
        elif request.wish == "delete" and request.status == 204:
            steps.append((request.end, 0, request))
    steps += [(answer.begin, 2, answer) for answer in history.of(Answered)]
    off: dict[int, Requested] = {}
    wrong = []
    for at, _, step in sorted(steps, key=lambda one: one[:2]):
        if isinstance(step, Requested):
            if step.wish in ("off", "delete"):
                off[step.bot] = step
            else:
                off.pop(step.bot, None)
        elif (refused := off.get(step.bot)) is not None and at > refused.end + ON_THE_WAY:
            lines = slow.get(step.process)
            if lines is None or lines.find(at, at) is None:
                wrong.append(
                    f"bot {step.bot}: {step.process} sent {step.text!r} at {at:.3f}, "
                    f"{refused.process} had answered {refused.wish!r} at {refused.end:.3f}"
                )
    return wrong
