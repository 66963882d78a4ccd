"""Where a scenario leads: targets that do not exist, states never reached, endless loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dialogs.scenarios.problems import Code, Path, Problem, error, place, warning
from dialogs.scenarios.variables import buttons, messages, parts
from dialogs.scenarios.wording import Hints

Document = Mapping[str, Any]

_START_AGAIN = frozenset(("@start", "@back"))  # without a way back, that leads to the start, too
_WAITING_ONLY = frozenset(("@again", "@stay"))


def target_problems(document: Document) -> Iterator[Problem]:
    """Return the targets that do not exist, and lists of branches without a last way."""
    states = document["states"]
    hints = Hints(states)
    if (start := document["start"]) not in states:
        sentence = f'There is no state "{start}" to start in. Add it.{hints.hint(start)}'
        yield error(("start",), Code.UNKNOWN_TARGET, sentence)
    for path, part in parts(document):
        if "go" not in part:
            continue
        yield from _branches(part["go"], (*path, "go"))
        waits = len(path) > 2 or path[0] == "anywhere"
        for where, target in _targets(part["go"], (*path, "go")):
            if target in _WAITING_ONLY and not waits:
                sentence = f'"{target}" needs a state that waits. Name a state instead.'
                yield error(where, Code.UNKNOWN_TARGET, sentence)
            elif not target.startswith("@") and target not in states:
                sentence = f'There is no state "{target}". Add it, or name another one.'
                yield error(where, Code.UNKNOWN_TARGET, sentence + hints.hint(target))


def graph_problems(document: Document) -> Iterator[Problem]:
    """Return the states that are never reached, and loops that do not wait.

    Args:
        document: one without targets that do not exist.
    """
    yield from _unreached(document)
    states = document["states"]
    ways = {
        name: [_state_of(document, target) for _, target in _targets(state["go"], ())]
        for name, state in states.items()
        if "go" in state
    }
    arriving = _arriving(states, ways)
    looping = _loops(ways)
    for name in states:
        if name not in arriving:
            sentence = (
                f'From state "{name}" the dialog goes on forever without waiting. Let a state on '
                'the way ask, wait with "on", or end.'
            )
            yield error(("states", name, "go"), Code.LOOP_NEVER_WAITS, sentence)
        elif name in looping:
            sentence = (
                f'The dialog may come back to state "{name}" without waiting; after 50 steps that '
                "is an error. Make sure that its conditions lead out."
            )
            yield warning(("states", name, "go"), Code.LOOP_MAY_NOT_WAIT, sentence)


def _branches(go: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(go, list):
        return
    if "if" in go[-1]:
        sentence = (
            f'{place(path)} has no way for when no condition is true. Add a branch without "if".'
        )
        yield error(path, Code.NO_WAY_OUT, sentence[0].upper() + sentence[1:])
    for index, branch in enumerate(go[:-1]):
        if "if" not in branch:
            sentence = 'The branches after this one are never taken. Add an "if", or remove them.'
            yield warning((*path, index), Code.NEVER_TAKEN, sentence)


def _targets(go: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(go, str):
        yield path, go
    else:
        yield from (((*path, index, "to"), branch["to"]) for index, branch in enumerate(go))


def _state_of(document: Document, target: str) -> str:
    return str(document["start"]) if target in _START_AGAIN else target


def _unreached(document: Document) -> Iterator[Problem]:
    following = _following(document)
    reached: set[str] = set()
    todo = [str(document["start"]), *following.pop("", ())]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += following.get(name, ())
    for name in document["states"]:
        if name not in reached:
            sentence = f'Nothing leads to state "{name}". Let something go there, or remove it.'
            yield warning(("states", name), Code.UNREACHED_STATE, sentence)


def _following(document: Document) -> dict[str, set[str]]:
    """Return the states that each state leads to; of `anywhere` by an empty name."""
    found: dict[str, set[str]] = {}
    for path, part in parts(document):
        owner = str(path[1]) if path[0] == "states" else ""
        names = found.setdefault(owner, set())
        if "go" in part:
            names |= {target for _, target in _targets(part["go"], ())}
        if len(path) == 2 and owner:
            for _, message in messages(part.get("say", []), ()):
                names |= {button["go"] for _, button in buttons(message, ()) if "go" in button}
        names &= document["states"].keys()
    return found


def _arriving(states: Document, ways: Mapping[str, list[str]]) -> set[str]:
    """Return the states from which a way leads to one that waits or ends."""
    before: dict[str, list[str]] = {}
    for name, targets in ways.items():
        for target in targets:
            before.setdefault(target, []).append(name)
    found = {name for name in states if name not in ways}
    todo = [*found]
    while todo:
        for name in before.get(todo.pop(), ()):
            if name not in found:
                found.add(name)
                todo.append(name)
    return found


def _loops(ways: Mapping[str, list[str]]) -> set[str]:
    """Return the states that lead back to themselves without waiting.

    They are in strongly connected parts: Kosaraju's algorithm, in linear time.
    """
    before: dict[str, list[str]] = {name: [] for name in ways}
    for name, targets in ways.items():
        for target in targets:
            if target in before:
                before[target].append(name)
    found: set[str] = set()
    seen: set[str] = set()
    for name in reversed(_finished(ways)):
        part: list[str] = []
        todo = [name]
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                part.append(one)
                todo += before[one]
        if len(part) > 1 or name in ways[name]:
            found |= {*part}
    return found


def _finished(ways: Mapping[str, list[str]]) -> list[str]:
    """Return the states in the order in which a search in depth has finished with them."""
    order: list[str] = []
    seen: set[str] = set()
    for start in ways:
        todo = [(start, False)]
        while todo:
            name, is_done = todo.pop()
            if is_done:
                order.append(name)
            elif name not in seen:
                seen.add(name)
                todo.append((name, True))
                todo += [(target, False) for target in ways[name] if target in ways]
    return order
