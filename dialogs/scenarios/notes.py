"""What is noted of one event for the log of the talk."""

from __future__ import annotations

from dialogs.scenarios.conversation import Value
from dialogs.scenarios.effects import VALUE_NOT_SAVED, Failure, Log
from dialogs.scenarios.sizes import size_of_changes
from dialogs.scenarios.variables import KINDS

MAX_HELD = 65_536  # bytes of all variables of a talk, about
MAX_LOGGED = 16_384  # bytes of an event's entries in the log, about
_ENTRY = 120  # of these bytes, for an entry without what has changed
_MAX_VALUE = 200  # characters of a value
_MAX_UNSAVED = 10  # variables of an event that are told; nobody reads more


class Notes:
    """The changes of variables since the last entry, and how much was noted."""

    def __init__(self) -> None:
        self._changed: dict[str, tuple[Value, Value]] = {}
        self._size = 0
        self._is_full = False
        self._unsaved: tuple[str, ...] = ()  # few, and none of nearly all events

    def change(self, name: str, old: Value, new: Value) -> None:
        """Note that a variable has another value."""
        first = self._changed.get(name, (_short(old), None))[0]
        self._changed[name] = (first, _short(new))

    def entry(self, state: str, transition: str, to: str) -> Log:
        """Return the entry of a step, without its changes if there were too many."""
        changed, self._changed = self._changed, {}
        size = size_of_changes(changed) if changed else 0
        cut = size > 0 and self._size + _ENTRY + size > MAX_LOGGED
        self._size += _ENTRY if cut else _ENTRY + size
        return Log(state, transition, to, {} if cut else changed, cut)

    def full(self, name: str, state: str) -> list[Failure]:
        """Return, once for an event, that a variable could not be set."""
        if self._is_full:
            return []
        self._is_full = True
        sentence = (
            f"The variables of this talk would be larger than {MAX_HELD // 1024} KB together, "
            f'so "{name}" was left as it was. Empty variables that are not needed any more.'
        )
        return [Failure("variables_full", state, sentence)]

    def unsaved(self, name: str, kind: str, state: str) -> list[Failure]:
        """Return, once for an event and variable, that a value was none of the variable's type.

        Args:
            kind: the type of the variable.
        """
        if name in self._unsaved or len(self._unsaved) == _MAX_UNSAVED:
            return []
        self._unsaved += (name,)
        sentence = (
            f'A value for "{name}" was not {KINDS[kind]}, so it was not saved, and "{name}" is '
            "empty now. Give the variable the type of what is saved to it."
        )
        return [Failure(VALUE_NOT_SAVED, state, sentence)]


def _short(value: Value) -> Value:
    """Return a value as the log has it."""
    if isinstance(value, list):
        value = ", ".join(value)
    return value[:_MAX_VALUE] if isinstance(value, str) else value
