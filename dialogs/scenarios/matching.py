"""Which transition an event takes."""

from __future__ import annotations

from collections.abc import Iterable

from dialogs.scenarios.conversation import Value
from dialogs.scenarios.events import FILE_KINDS, Event, EventKind
from dialogs.scenarios.normalizing import normalize
from dialogs.scenarios.run import Run
from dialogs.scenarios.scenario import Match, Transition

# What looks at which events.
_LOOKS_AT = {
    EventKind.TEXT: frozenset((Match.ANY_OF, Match.CONTAINS, Match.REGEX, Match.CONTENT)),
    EventKind.COMMAND: frozenset((Match.COMMAND, Match.CONTENT)),
    EventKind.TAP: frozenset((Match.BUTTON,)),
}
_LOOKS_AT_OTHERS = frozenset((Match.CONTENT,))


def find(run: Run, transitions: Iterable[Transition], button: str = "") -> Transition | None:
    """Return the first transition that matches an event; those for everything else do not.

    What it captures is saved.

    Args:
        button: the `go` of the button that was tapped.
    """
    for transition in transitions:
        captured = _captured(run, transition, button)
        if captured is not None and _is_allowed(run, transition):
            for name, value in captured.items():
                run.assign(name, value)
            if transition.save:
                run.assign(transition.save, _came(run.event, transition.match, button))
            return transition
    return None


def find_else(run: Run, transitions: Iterable[Transition]) -> Transition | None:
    """Return the first transition for everything else whose condition is true."""
    for transition in transitions:
        if transition.match is Match.ELSE and _is_allowed(run, transition):
            if transition.save:
                run.assign(transition.save, _came(run.event, transition.match, ""))
            return transition
    return None


def _is_allowed(run: Run, transition: Transition) -> bool:
    return transition.condition is None or transition.condition.holds(run)


def _captured(run: Run, transition: Transition, button: str) -> dict[str, str] | None:
    """Return what a transition captures of an event; None if it does not match."""
    event, how = run.event, transition.match
    if how not in _LOOKS_AT.get(event.kind, _LOOKS_AT_OTHERS):
        return None
    wanted = transition.wanted
    match how:
        case Match.ANY_OF:
            is_match = normalize(event.text) in wanted
        case Match.CONTENT:
            is_match = event.kind.value in wanted or "any" in wanted
        case Match.COMMAND:
            is_match = _is_command(event, transition)
        case Match.BUTTON:
            is_match = button in wanted
        case Match.CONTAINS:
            is_match = any(map(run.words.have, wanted))
        case _:
            return transition.regex.search(event.text) if transition.regex else None
    return {} if is_match else None


def _is_command(event: Event, transition: Transition) -> bool:
    if event.command not in transition.wanted:
        return False
    if not event.payload.startswith(transition.payload_start):
        return False
    match transition.payload:
        case None:
            return True
        case bool():
            return bool(event.payload) == transition.payload
    return event.payload == transition.payload


def _came(event: Event, match: Match, button: str) -> Value:
    """Return what came, as the value of a variable."""
    if event.kind is EventKind.TAP:
        return button
    if event.kind is EventKind.COMMAND and match is Match.COMMAND:
        return event.payload
    if event.kind is EventKind.LOCATION and event.place:
        return {"latitude": event.place.latitude, "longitude": event.place.longitude}
    if event.kind in FILE_KINDS:
        return event.file_id
    return event.phone if event.kind is EventKind.CONTACT else event.text
