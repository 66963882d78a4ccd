"""A talk while an event moves it on, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dialogs.messages import Message
from dialogs.messages.content import Button
from dialogs.messages.sizes import size_of as size_of_message
from dialogs.scenarios.addresses import Address
from dialogs.scenarios.budget import Budget, Use
from dialogs.scenarios.builtin import TEXTS
from dialogs.scenarios.conversation import Conversation, Value, Variables
from dialogs.scenarios.effects import Effect, Send, Tag, Untag
from dialogs.scenarios.events import Event
from dialogs.scenarios.expressions import LOOK, NoValue
from dialogs.scenarios.normalizing import Words
from dialogs.scenarios.notes import MAX_HELD, Notes
from dialogs.scenarios.scenario import Actions, Branch, Said, Scenario, State, Way
from dialogs.scenarios.showing import show, show_now
from dialogs.scenarios.sizes import size_of
from dialogs.scenarios.variables import fit

_LONG = (str, list)  # values that may be
_EMPTY: tuple[Value, ...] = (None, "", [])  # values that are meant to empty a variable


@dataclass(slots=True)
class Talk:
    """A conversation that can be changed; `Conversation` has the meaning of its parts.

    Args:
        held: bytes of the variables; None if nobody has asked for it yet.
    """

    state: str
    visit: int
    variables: Variables
    stack: list[str]
    progress: dict[str, Any]
    held: int | None = None

    def has_room(self, old: Value, new: Value) -> bool:
        """Make room for a new value of a variable; False if all together would be too large."""
        if self.held is None:
            self.held = sum(map(size_of, self.variables.values()))
        more = size_of(new) - size_of(old)
        if more > 0 and self.held + more > MAX_HELD:
            return False
        self.held += more
        return True


class Run:
    """One event of a talk.

    Args:
        now: the time of the event, with a time zone.

    Attributes:
        effects: what is to be done, in order.
        words: those of the event's text.
    """

    def __init__(
        self, scenario: Scenario, conversation: Conversation, event: Event, now: datetime
    ) -> None:
        self.scenario = scenario
        self.event = event
        self.now = now
        self.talk = Talk(
            conversation.state,
            conversation.visit,
            dict(conversation.variables),
            list(conversation.stack),
            dict(conversation.progress),
        )
        self.effects: list[Effect] = []
        self.words = Words(event.text)
        self._budget = Budget()
        self._notes = Notes()

    @property
    def state(self) -> State | None:
        """The state that the talk is in; None if it has none, or one that no longer exists."""
        return self.scenario.states.get(self.talk.state)

    @property
    def language(self) -> str:
        """The language of the built-in texts."""
        if self.scenario.language:
            return self.scenario.language
        users = self.event.about.get("user.language", "")
        return "ru" if users.startswith("ru") else "en"

    def conversation(self) -> Conversation:
        """Return the talk as it is now."""
        talk = self.talk
        return Conversation(
            self.scenario.version,
            talk.state,
            talk.visit,
            talk.variables,
            tuple(talk.stack),
            talk.progress,
        )

    def count(self) -> None:
        """Count a step.

        Raises:
            TooMuch: there were 50 before.
        """
        self._budget.spend(Use.STEPS)

    def spend(self, looks: int) -> None:
        """Count looks at values.

        Raises:
            TooMuch: there were too many before.
        """
        self._budget.spend(Use.VALUES, looks)

    def look(self, name: str) -> Value:
        """Return the value of a variable or a built-in value; None for one that is empty.

        Raises:
            TooMuch: there were too many values before.
        """
        if name in self.talk.variables:
            value = self.talk.variables[name]
            self.spend(1 + len(value) // LOOK if isinstance(value, _LONG) else 1)
            return value
        self.spend(1)
        if name.startswith("now"):
            return show_now(name, self.now.astimezone(self.scenario.zone)) or None
        return self.event.about.get(name) or None

    def show(self, name: str) -> str:
        """Return the text of a variable or a built-in value."""
        kind = self.scenario.types.get(name, "")
        return show(self.look(name), kind, self.language)

    def text(self, name: str) -> str:
        """Return a built-in text, or that of the scenario in its place."""
        return self.scenario.texts.get(name) or TEXTS[name][self.language]

    def assign(self, name: str, value: Value) -> None:
        """Set a variable, and note that it has changed.

        A value that is none of its type empties it. If the variables of the talk would be too
        large, it keeps the value that it has. A failure tells either.
        """
        kind = self.scenario.types.get(name, "")
        old, new = self.talk.variables.get(name), fit(value, kind)
        if new is None and value not in _EMPTY:
            self.effects += self._notes.unsaved(name, kind, self.talk.state)
        if old != new or isinstance(old, bool) != isinstance(new, bool):
            if not self.talk.has_room(old, new):
                self.effects += self._notes.full(name, self.talk.state)
                return
            self._notes.change(name, old, new)
            self.talk.variables[name] = new

    def do(self, actions: Actions) -> None:
        """Set variables, take and give tags; a value that cannot be computed changes nothing."""
        for name, expression in actions.assignments:
            try:
                self.assign(name, expression.evaluate(self))
            except NoValue:
                continue
        if actions.untags:
            self.effects.append(Untag(actions.untags))
        if actions.tags:
            self.effects.append(Tag(actions.tags))

    def log(self, state: str, transition: str) -> None:
        """Note a step of the talk, which is now where it leads to."""
        self.effects.append(self._notes.entry(state, transition, self.talk.state))

    def address(self, kind: str, index: int = 0) -> str:
        """Return the callback data of a button of the present state."""
        talk = self.talk
        version = talk.progress.get("shown", self.scenario.version)
        return str(Address(version, talk.state, talk.visit, kind, index))

    def say(self, said: Sequence[Said]) -> None:
        """Send messages of the scenario."""
        for one in said:
            self.send(addressed(self, one), one.names)

    def send(self, message: Message, names: Iterable[str] = (), *, stays: bool = False) -> None:
        """Send a message.

        Args:
            names: the variables in it.
            stays: True if the keyboard of a question is still needed.

        Raises:
            TooMuch: too many or too long ones were sent before.
        """
        values = {name: self.show(name) for name in names}
        self._budget.spend_message(size_of_message(message, values))
        if "keyboard" in self.talk.progress and not stays and not message.buttons:
            del self.talk.progress["keyboard"]
            if not message.keyboard:
                message = replace(message, remove_keyboard=True)
        self.effects.append(Send(message, values))


def choose(run: Run, way: Way) -> Branch | None:
    """Return the first branch whose condition is true."""
    for branch in way:
        if branch.condition is None or branch.condition.holds(run):
            return branch
    return None


def addressed(run: Run, said: Said) -> Message:
    """Return a message whose buttons tell where they belong."""
    if not said.buttons:
        return said.message
    index = said.first
    rows: list[tuple[Button, ...]] = []
    for row in said.message.buttons:
        made: list[Button] = []
        for button in row:
            if button.go:
                made.append(replace(button, go=run.address("b", index)))
                index += 1
            else:
                made.append(button)
        rows.append(tuple(made))
    return replace(said.message, buttons=tuple(rows))
