"""How much one event may use up, so that none holds up the other bots of the process."""

from __future__ import annotations

from enum import StrEnum

from dialogs.messages.sizes import Size


class Use(StrEnum):
    """What is used up."""

    STEPS = "steps"
    MESSAGES = "messages"
    VALUES = "values"
    CHARACTERS = "characters"
    SIGNS = "signs"


# Each takes at most about 50 ms.
LIMITS = {
    Use.STEPS: 50,
    Use.MESSAGES: 30,
    Use.VALUES: 20_000,  # that are looked at; a long one counts once for each 50 characters
    Use.CHARACTERS: 64_000,  # that are said: as many as one message can have with its values
    Use.SIGNS: 3000,  # of Markdown: as many as one message can have
}


class TooMuch(Exception):
    """An event has more consequences than one may have."""

    def __init__(self, what: Use) -> None:
        super().__init__(what)
        self.what = what


class Budget:
    """What one event has used up."""

    def __init__(self) -> None:
        self._left = dict(LIMITS)

    def spend(self, what: Use, number: int = 1) -> None:
        """Count what is used up.

        Raises:
            TooMuch: it is more than the limit.
        """
        self._left[what] -= number
        if self._left[what] < 0:
            raise TooMuch(what)

    def spend_message(self, size: Size) -> None:
        """Count a message, before it is made.

        Raises:
            TooMuch: it is more than one of the limits.
        """
        self.spend(Use.MESSAGES, size.messages)
        self.spend(Use.CHARACTERS, size.characters)
        self.spend(Use.SIGNS, size.signs)
