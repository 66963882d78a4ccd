"""What must be true of the talks of bots that count what is written to them. Linear in the log.

The check returns a sentence for each thing that is wrong.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from chaos.events import (
    History,
    Injected,
    Published,
    Requested,
    Stepped,
    Stood,
    Unhandled,
)

Place = tuple[int, int]  # bot, chat


def talks_go_step_by_step(history: History) -> list[str]:
    """(12) In each talk, each message was one step, in order, and no update waits.

    A talk counts its messages: a step that was lost or taken twice shows in the count. It begins
    anew with the first message after a publish that says so, and only then.
    """
    deleted = {one.bot for one in history.of(Requested) if one.wish == "delete"}
    restarts: dict[int, list[int]] = defaultdict(list)  # the versions, by bot
    for version in sorted(history.of(Published), key=lambda one: one.n):
        restarts[version.bot] += [version.n] if version.restarts else []
    written: dict[Place, list[Injected]] = defaultdict(list)
    for one in history.of(Injected):
        if one.bot in restarts and one.bot not in deleted:
            written[one.bot, one.chat].append(one)
    taken: dict[Place, list[Stepped]] = defaultdict(list)
    for step in sorted(history.of(Stepped), key=lambda one: one.update):
        if step.bot not in deleted:
            taken[step.bot, step.chat].append(step)
    stood = {(one.bot, one.chat): one for one in history.of(Stood) if one.bot not in deleted}
    wrong = [
        f"bot {place[0]}, chat {place[1]}: {sentence}"
        for place in sorted(written.keys() | taken.keys() | stood.keys())
        for sentence in (
            *_compared(written[place], taken[place]),
            *_followed(taken[place], restarts[place[0]]),
            *_left(taken[place], stood.get(place)),
        )
    ]
    return wrong + [
        f"bot {one.bot}: update {one.update} is not handled"
        for one in history.of(Unhandled)
        if one.bot not in deleted
    ]


def _compared(written: list[Injected], taken: list[Stepped]) -> Iterator[str]:
    """Compare what was written with the log, which has each update at most once."""
    texts, logged = {one.update: one.text for one in written}, {one.update for one in taken}
    for update, text in texts.items():
        if update not in logged:
            yield f"{text!r} was no step"
    for step in taken:
        if step.update not in texts:
            yield f"update {step.update} was a step, and nobody wrote it"
        elif step.text != texts[step.update]:
            yield f"{texts[step.update]!r} was taken as {step.text!r}"


def _followed(taken: list[Stepped], restarts: Sequence[int]) -> Iterator[str]:
    """See that each step begins where the one before it has ended.

    Args:
        restarts: the versions with which talks begin anew, in order.
    """
    version, state, count = 0, "", 0
    for step in taken:
        if step.version < version:
            yield f"{step.text!r} was taken in version {step.version}, after {version}"
        last = bisect_right(restarts, step.version) - 1
        if last >= 0 and restarts[last] > version:
            state, count = "", 0
        if (step.state, step.before or 0, step.count) != (state, count, count + 1):
            yield (
                f"{step.text!r} was counted from {step.before} to {step.count} in state "
                f"{step.state!r}, not from {count} in {state!r}"
            )
        version, state, count = step.version, step.to, step.count or 0


def _left(taken: list[Stepped], stood: Stood | None) -> Iterator[str]:
    """See that a talk stands where its last step led."""
    if not taken:
        if stood is not None:
            yield "it has a talk, and nobody wrote"
        return
    last = taken[-1]
    expected = last.version, last.to, last.count, last.text
    if stood is None:
        yield "it has steps, and no talk"
    elif (stood.version, stood.state, stood.count, stood.text) != expected:
        found = f"{stood.state!r} of version {stood.version} with {stood.count} messages"
        yield f"it stands in {found} after {stood.text!r}; its log says {expected}"
