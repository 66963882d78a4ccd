"""Dialogs as data: a scenario is a JSON document, and `step` moves a talk on by one event."""

from dialogs.scenarios.conversation import Conversation
from dialogs.scenarios.effects import Answer, Edit, Effect, Failure, Log, Send, Tag
from dialogs.scenarios.engine import step
from dialogs.scenarios.events import Event, EventKind, Place, built_in, read_text
from dialogs.scenarios.problems import Code, InvalidScenario, Problem, Severity
from dialogs.scenarios.reading import read_scenario
from dialogs.scenarios.scenario import Scenario
from dialogs.scenarios.schema import SCENARIO
from dialogs.scenarios.validation import load, validate

__all__ = [
    "SCENARIO",
    "Answer",
    "Code",
    "Conversation",
    "Edit",
    "Effect",
    "Event",
    "EventKind",
    "Failure",
    "InvalidScenario",
    "Log",
    "Place",
    "Problem",
    "Scenario",
    "Send",
    "Severity",
    "Tag",
    "built_in",
    "load",
    "read_scenario",
    "read_text",
    "step",
    "validate",
]
