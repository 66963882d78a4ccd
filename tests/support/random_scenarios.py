"""Scenarios and events made at random, from a seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from dialogs.scenarios import Scenario, load, read_text, validate
from dialogs.scenarios.events import Event, EventKind, Place
from dialogs.scenarios.samples import template, template_names

STATES = ["a", "b", "c", "d"]
NAMES = ["x", "y", "n"]
WORDS = ["yes", "no", "да", "5", "back", "help", "skip", "31.12.2030", "x, y", "{{x}}", "**", "😀"]
COMMANDS = ["/start", "/menu x", "/back", "/cancel", "/help", "/skip"]
BUTTONS = [[{"text": "One", "go": "a"}, {"text": "Two", "go": "@back"}]]
COMPARISONS = ["equals", "not_equals", "less", "at_most", "more", "at_least", "contains"]
LEAVES: list[Any] = [None, True, False, 0, -1.5, 10**30, float("nan"), "", "a", "\0", "yes", [], {}]
FIELDS = ["start", "states", "say", "ask", "on", "go", "end", "set", "if", "text", "type", "zzz"]
EVENTS = [
    Event(EventKind.CONTACT, phone="+1555"), Event(EventKind.OTHER),
    Event(EventKind.LOCATION, place=Place(1, 2)), Event(EventKind.PHOTO, file_id="f"),
    Event(EventKind.TAP, data="a"), Event(EventKind.TAP, data="~0.a.1.b0"),
    Event(EventKind.TAP, data="~0.zzz.ffff.q9999"), Event(EventKind.TAP, data="?"),
]  # fmt: skip
Play = list[Event | int]


class Dice:
    """Makes parts of scenarios.

    Args:
        seed: makes the same parts again.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def scenario(self) -> Scenario:
        """Make a valid scenario, or take a template."""
        return load(self.valid_document())

    def valid_document(self) -> dict[str, Any]:
        """Make the document of a valid scenario, or take that of a template."""
        if self.random.random() < 0.2:
            return template(self.random.choice(template_names()))
        while True:
            document = self.document()
            if validate(document)[0]:
                return document

    def document(self) -> dict[str, Any]:
        """Make a document that fits the schema; its targets may lead nowhere."""
        some = self.random.sample(STATES, self.random.randint(1, 4))
        document: dict[str, Any] = {
            "start": some[0],
            "states": {name: self.state(some) for name in some},
        }
        self.maybe(document, "anywhere", lambda: self.transitions(some))
        self.maybe(document, "language", lambda: self.random.choice(["en", "ru"]))
        self.maybe(document, "time_zone", lambda: "Europe/Moscow")
        number = {"n": {"type": "number", "default": 1, "keep": True}}
        self.maybe(document, "variables", lambda: number)
        return document

    def maybe(self, part: dict[str, Any], name: str, make: Callable[[], Any]) -> None:
        """Add a field half of the time."""
        if self.random.random() < 0.5:
            part[name] = make()

    def say(self) -> Any:
        """Make what a state says."""
        text = " ".join(self.random.choices(WORDS, k=2))
        return self.random.choice([text, {"text": text, "format": "markdown"}])

    def state(self, some: list[str]) -> dict[str, Any]:
        """Make a state that leads to some others."""
        kind = self.random.choice(["go", "end", "on", "on", "ask", "ask"])
        state: dict[str, Any] = {}
        self.maybe(state, "set", self.assignments)
        if kind == "ask" or self.random.random() < 0.7:
            state["say"] = self.say()
        if kind == "go":
            state["go"] = self.way([*some, "@start", "@back"])
        elif kind == "end":
            state["end"] = True
        elif kind == "on":
            state["on"] = self.transitions(some)
            if "a" in some and self.random.random() < 0.5:
                state["say"] = {"text": "Menu {{x}}", "buttons": BUTTONS}
        else:
            state["ask"] = self.question(some)
        return state

    def way(self, targets: list[str]) -> Any:
        """Make a target, or branches."""
        one, other = self.random.choices(targets, k=2)
        if self.random.random() < 0.6:
            return one
        return [{"if": self.condition(), "to": one}, {"to": other}]

    def question(self, some: list[str]) -> dict[str, Any]:
        """Make a question."""
        kind = self.random.choice(["text", "number", "email", "phone", "date", "time", "choice",
                                   "choices", "location", "file"])  # fmt: skip
        question: dict[str, Any] = {"type": kind, "go": self.way([*some, "@start", "@back"])}
        if kind.startswith("choice"):
            question["options"] = ["yes", "no", {"text": "Five {{x}}", "value": 5}]
        self.maybe(question, "save", lambda: self.random.choice(NAMES))
        self.maybe(question, "skip", lambda: True)
        self.maybe(question, "set", self.assignments)
        self.maybe(question, "on", lambda: self.transitions(some))
        gives_up = {"count": 2, "go": self.random.choice(some)}
        self.maybe(question, "after_retries", lambda: gives_up)
        return question

    def transitions(self, some: list[str]) -> list[dict[str, Any]]:
        """Make up to three transitions."""
        return [self.transition(some) for _ in range(self.random.randint(0, 3))]

    def transition(self, some: list[str]) -> dict[str, Any]:
        """Make a transition."""
        match, value = self.random.choice([
            ("any_of", self.random.choices(WORDS, k=3)), ("contains", "ye"),
            ("regex", r"(?P<x>\d+)"), ("command", "menu"), ("button", "a"),
            ("content", "any"), ("content", ["photo", "contact"]), ("else", True),
        ])  # fmt: skip
        made = {match: value}
        self.maybe(made, "if", self.condition)
        self.maybe(made, "save", lambda: self.random.choice(NAMES))
        self.maybe(made, "set", self.assignments)
        self.maybe(made, "say", self.say)
        self.maybe(made, "tag", lambda: "t")
        self.maybe(made, "untag", lambda: ["t", "u"])
        if self.random.random() < 0.8:
            made["go"] = self.way([*some, "@start", "@back", "@again", "@stay"])
        return made

    def assignments(self) -> dict[str, Any]:
        """Make values for variables."""
        return {self.random.choice(NAMES): self.expression(2)}

    def expression(self, depth: int) -> Any:
        """Make a value, or an operation."""
        if depth and self.random.random() < 0.5:
            name = self.random.choice(["add", "subtract", "multiply", "divide"])
            return {name: [self.expression(depth - 1), self.expression(depth - 1)]}
        names = [*NAMES, "user.first_name", "now.hour"]
        literal = self.random.choice([*WORDS, 0, 3, -2.5, 1e14, True, None])
        return self.random.choice([literal, {"variable": self.random.choice(names)}])

    def condition(self, depth: int = 2) -> dict[str, Any]:
        """Make a condition."""
        kind = self.random.choice(["and", "or", "not", "is_set", *COMPARISONS])
        if depth and kind in {"and", "or"}:
            return {kind: [self.condition(depth - 1), self.condition(depth - 1)]}
        if depth and kind == "not":
            return {"not": self.condition(depth - 1)}
        compared: dict[str, Any] = {"variable": self.random.choice(NAMES)}
        if kind in COMPARISONS:
            compared[kind] = self.expression(1)
        return compared

    def events(self) -> Play:
        """Make events; a number means a tap on one of the buttons that were shown."""
        return [self.event() for _ in range(self.random.randint(0, 12))]

    def event(self) -> Event | int:
        """Make one event."""
        kind = self.random.random()
        if kind < 0.35:
            return self.random.randint(0, 9)
        if kind < 0.5:
            return self.random.choice(EVENTS)
        return read_text(self.random.choice([*WORDS, *COMMANDS]))

    def anything(self, depth: int = 3) -> Any:
        """Make any value of JSON, and some that are none."""
        kind = self.random.random()
        if not depth or kind < 0.5:
            return self.random.choice(LEAVES)
        size = self.random.randint(0, 3)
        if kind < 0.7:
            return [self.anything(depth - 1) for _ in range(size)]
        return {self.random.choice(FIELDS): self.anything(depth - 1) for _ in range(size)}

    def broken(self) -> Any:
        """Make a document of which up to three values are replaced by anything, or removed."""
        document = json.loads(json.dumps(self.document()))
        for _ in range(self.random.randint(1, 3)):
            place = document
            while place:
                keys = [*place] if isinstance(place, dict) else [*range(len(place))]
                key = self.random.choice(keys)
                if isinstance(place[key], dict | list) and self.random.random() < 0.8:
                    place = place[key]
                    continue
                if self.random.random() < 0.5:
                    place[key] = self.anything()
                else:
                    del place[key]
                break
        return document
