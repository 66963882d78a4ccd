"""How large the values of variables are."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.scenarios.conversation import Value

_OTHER = 32  # for a number, a truth value, a place


def size_of(value: Value) -> int:
    """Return how many bytes a value has in UTF-8, about; an empty one, None, has none."""
    match value:
        case None:
            return 0
        case str():
            return len(value.encode(errors="surrogatepass"))
        case list():
            return sum(map(size_of, value)) + len(value)
    return _OTHER


def size_of_changes(changed: Mapping[str, tuple[Value, Value]]) -> int:
    """Return how many bytes changes of variables have, about, with their names."""
    return sum(len(name) + size_of(old) + size_of(new) for name, (old, new) in changed.items())
