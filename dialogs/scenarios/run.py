"""A talk while an event moves it on, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dialogs.messages import Message
from dialogs.messages.content import Button
from dialogs.scenarios.addresses import Address
from dialogs.scenarios.builtin import TEXTS
from dialogs.scenarios.conversation import Conversation, Value, Variables
from dialogs.scenarios.effects import Effect, Log, Send, Tag, Untag, logged
from dialogs.scenarios.events import Event
from dialogs.scenarios.expressions import NoValue
from dialogs.scenarios.scenario import Actions, Branch, Said, Scenario, State, Way
from dialogs.scenarios.showing import show, show_now
from dialogs.scenarios.variables import fit

MAX_STEPS = 50  # of one event
MAX_MESSAGES = 30  # that one event has the bot say
MAX_LOOKS = 20_000  # at values, in one event: a tenth of a second


class TooMuch(Exception):
    """An event has more consequences than one may have.

    Args:
        what: "steps", "messages" or "values".
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(slots=True)
class Spent:
    """How much one event has used up of what it may use."""

    steps: int = 0
    messages: int = 0
    looks: int = 0


@dataclass(slots=True)
class Talk:
    """A conversation that can be changed; `Conversation` has the meaning of its parts."""

    state: str
    visit: int
    variables: Variables
    stack: list[str]
    progress: dict[str, Any]


class Run:
    """One event of a talk.

    Args:
        now: the time of the event, with a time zone.

    Attributes:
        effects: what is to be done, in order.
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
        self._changed: dict[str, tuple[Value, Value]] = {}
        self._spent = Spent()

    @property
    def state(self) -> State | None:
        """The state that the talk is in; None if it has none, or one that no longer exists."""
        return self.scenario.states.get(self.talk.state)

    @property
    def language(self) -> str:
        """The language of the built-in texts."""
        users = self.event.about.get("user.language", "")
        return self.scenario.language or ("ru" if users.startswith("ru") else "en")

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
        self._spent.steps += 1
        if self._spent.steps > MAX_STEPS:
            raise TooMuch("steps")

    def look(self, name: str) -> Value:
        """Return the value of a variable or a built-in value; None for one that is empty.

        Raises:
            TooMuch: there were too many values before.
        """
        self._spent.looks += 1
        if self._spent.looks > MAX_LOOKS:
            raise TooMuch("values")
        if name in self.talk.variables:
            return self.talk.variables[name]
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
        """Set a variable; a value that is none of its type empties it."""
        old, new = self.talk.variables.get(name), fit(value, self.scenario.types.get(name, ""))
        if old != new or isinstance(old, bool) != isinstance(new, bool):
            first = self._changed.get(name, (logged(old), None))[0]
            self._changed[name] = (first, logged(new))
            self.talk.variables[name] = new

    def do(self, actions: Actions) -> None:
        """Set variables, take and give tags; a value that cannot be computed changes nothing."""
        for name, expression in actions.assignments:
            try:
                self.assign(name, expression.evaluate(self.look, self.show))
            except NoValue:
                continue
        if actions.untags:
            self.effects.append(Untag(actions.untags))
        if actions.tags:
            self.effects.append(Tag(actions.tags))

    def log(self, state: str, transition: str) -> None:
        """Note a step of the talk, which is now where it leads to."""
        self.effects.append(Log(state, transition, self.talk.state, self._changed))
        self._changed = {}

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
            TooMuch: there were 30 messages before.
        """
        self._spent.messages += 1
        if self._spent.messages > MAX_MESSAGES:
            raise TooMuch("messages")
        if "keyboard" in self.talk.progress and not stays and not message.buttons:
            del self.talk.progress["keyboard"]
            if not message.keyboard:
                message = replace(message, remove_keyboard=True)
        self.effects.append(Send(message, {name: self.show(name) for name in names}))


def choose(run: Run, way: Way) -> Branch | None:
    """Return the first branch whose condition is true."""
    for branch in way:
        if branch.condition is None or branch.condition.holds(run.look, run.show):
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
