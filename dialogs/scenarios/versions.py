"""What two versions of a scenario have apart, and how a talk gets from one to the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from dialogs.scenarios.conversation import Conversation, Variables
from dialogs.scenarios.effects import Log
from dialogs.scenarios.notes import Notes
from dialogs.scenarios.scenario import Question, Scenario, State, first_values
from dialogs.scenarios.variables import Document, fit, set_names, variable_types


@dataclass(frozen=True, slots=True)
class TypeChange:
    """A variable that has another type.

    Args:
        before, after: its types; None for one that takes values of every type.
    """

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class VariableDifference:
    """Which variables differ: a talk that goes on in the new scenario may lose their values.

    Args:
        added: the names of new variables.
        removed: the names of those that nothing declares, sets or saves to any more.
        retyped: those whose type is another one.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    retyped: tuple[TypeChange, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two scenarios.

    Args:
        added: the names of new states.
        removed: the names of states that are gone.
        changed: the names of states that are not the same.
        other: the other parts that are not the same, such as "anywhere".
        variables: the variables that differ, whether or not `variables` declares them.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    other: tuple[str, ...]
    variables: VariableDifference


class Migration(StrEnum):
    """What becomes of talks when a new version is published."""

    KEEP = "keep"
    RESTART = "restart"


def diff(old: Document, new: Document) -> Difference:
    """Return what differs between two valid documents."""
    before, after = old["states"], new["states"]
    parts = [*dict.fromkeys((*old, *new))]
    return Difference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(
            name for name in after if name in before and not _same(before[name], after[name])
        ),
        other=tuple(
            part for part in parts if part != "states" and not _same(old.get(part), new.get(part))
        ),
        variables=variable_difference(old, new),
    )


def variable_difference(old: Document, new: Document) -> VariableDifference:
    """Return which variables differ between two valid documents."""
    before, after = set_names(old), set_names(new)
    types, new_types = variable_types(old), variable_types(new)
    return VariableDifference(
        added=tuple(sorted(after - before)),
        removed=tuple(sorted(before - after)),
        retyped=tuple(
            TypeChange(name, types.get(name), new_types.get(name))
            for name in sorted(before & after)
            if types.get(name) != new_types.get(name)
        ),
    )


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same in JSON, where 1 is not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def migrate(
    conversation: Conversation, old: Scenario, new: Scenario, mode: Migration
) -> Conversation | None:
    """Return a talk as it goes on in a new version.

    Args:
        old: the version that the talk is pinned to.

    Returns:
        None if it cannot go on there yet: it goes on in the old version until it is in a state
        that both have. With `RESTART`, and if the talk waits for nothing, it always can.
    """
    if mode is Migration.RESTART or not conversation.state:
        return Conversation(
            new.version,
            visit=conversation.visit,
            variables=first_values(new, _fitting(new, conversation.variables)),
            progress=_kept(conversation),
        )
    before, after = old.states.get(conversation.state), new.states.get(conversation.state)
    if before is None or after is None or not _is_compatible(before, after):
        return None
    return replace(
        conversation,
        version=new.version,
        variables={**new.defaults, **_fitting(new, conversation.variables)},
        stack=tuple(name for name in conversation.stack if _waits(new, name)),
        progress=_progress(conversation, before, after, old.version),
    )


def moved_log(before: Conversation, after: Conversation, word: str) -> Log | None:
    """Return what the log of a talk tells of its move to another version.

    Args:
        before, after: where the talk stood, and where it stands then.
        word: why it was moved, in place of a transition.

    Returns:
        None if neither its state nor a variable has changed.
    """
    old, new = before.variables, after.variables
    changed = [name for name in {**old, **new} if not _same(old.get(name), new.get(name))]
    if not changed and before.state == after.state:
        return None
    notes = Notes()
    for name in changed:
        notes.change(name, old.get(name), new.get(name))
    return notes.entry(before.state, word, after.state)


def _is_compatible(before: State, after: State) -> bool:
    """Tell whether both wait for the same kind of event."""
    if before.question and after.question:
        return before.question.type is after.question.type
    return before.question is None and after.question is None and before.waits and after.waits


def _waits(scenario: Scenario, name: str) -> bool:
    return name in scenario.states and scenario.states[name].waits


def _fitting(new: Scenario, variables: Variables) -> Variables:
    """Return the variables that the new version knows, as it takes them."""
    fitting = {
        name: fit(value, new.types.get(name, ""))
        for name, value in variables.items()
        if name in new.known
    }
    return {
        name: value
        for name, value in fitting.items()
        if value is not None or name not in new.defaults
    }


def _progress(
    conversation: Conversation, before: State, after: State, version: int
) -> dict[str, Any]:
    """Return the notes on a state; buttons that mean the same as before stay valid."""
    progress = dict(conversation.progress)
    if _buttons(before) == _buttons(after):
        progress.setdefault("shown", version)
    else:
        progress.pop("shown", None)
        progress.pop("picked", None)
    return progress


def _buttons(state: State) -> list[Any]:
    return [go for go, _ in state.buttons] + _options(state.question)


def _options(question: Question | None) -> list[Any]:
    if question is None:
        return []
    return [*((one.text, one.value) for one in question.options), question.may_skip]


def _kept(conversation: Conversation) -> dict[str, Any]:
    names = ("keyboard", "tap")
    return {name: conversation.progress[name] for name in names if name in conversation.progress}
