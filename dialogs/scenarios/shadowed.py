"""Transitions whose texts are all caught by one before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dialogs.scenarios.normalizing import normalize, words
from dialogs.scenarios.problems import Code, Problem, warning
from dialogs.scenarios.variables import transition_lists

Document = Mapping[str, Any]

_ALL_TEXTS = frozenset(("text", "any"))
_MAX_PHRASES = 100  # of a list, each looked for in every text; what further ones catch is not told


def never_taken(document: Document) -> Iterator[Problem]:
    """Return the transitions for texts that others of the same list catch before them."""
    for path, transitions, _ in transition_lists(document):
        before = _Before()
        for index, one in enumerate(transitions):
            if "any_of" in one and (number := before.catches(_listed(one["any_of"]))):
                sentence = (
                    f"This transition is never taken: transition {number} before it catches "
                    "the same. Remove it, or put it before that one."
                )
                yield warning((*path, index), Code.NEVER_TAKEN, sentence)
            if "if" not in one:
                before.add(index + 1, one)


class _Before:
    """What the transitions at the beginning of a list catch, whatever variables are.

    Texts are compared only where two transitions have some: that costs time.
    """

    def __init__(self) -> None:
        self._whole: list[tuple[int, list[str]]] = []  # not normalized yet
        self._texts: dict[str, int] = {}
        self._phrases: list[tuple[int, str]] = []
        self._all = 0  # the number of a transition that catches all texts

    def add(self, number: int, transition: Document) -> None:
        """Learn what a transition catches.

        Args:
            number: its place in the list, from 1.
        """
        if "any_of" in transition:
            self._whole.append((number, _listed(transition["any_of"])))
        elif "contains" in transition and len(self._phrases) < _MAX_PHRASES:
            self._phrases += ((number, words(one)) for one in _listed(transition["contains"]))
        elif not self._all and not _ALL_TEXTS.isdisjoint(_listed(transition.get("content", []))):
            self._all = number

    def catches(self, texts: list[str]) -> int:
        """Return the number of the last transition that is needed to catch all texts.

        Returns:
            0 if one of them is not caught.
        """
        if self._all:
            return self._all
        if not self._whole and not self._phrases:
            return 0
        for number, whole in self._whole:
            for one in whole:
                self._texts.setdefault(normalize(one), number)
        self._whole.clear()
        numbers = [self._number(one) for one in texts]
        return max(numbers) if all(numbers) else 0

    def _number(self, text: str) -> int:
        if found := self._texts.get(normalize(text)):
            return found
        text = words(text)
        return next((number for number, phrase in self._phrases if phrase in text), 0)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
