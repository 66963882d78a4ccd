"""Dialogs as data: a scenario is a JSON document, and `step` moves a talk on by one event."""

from dialogs.scenarios.conversation import IDLE, Conversation
from dialogs.scenarios.coverage import Coverage, coverage
from dialogs.scenarios.effects import (
    REPEATED_TAP,
    Answer,
    Edit,
    Effect,
    Failure,
    Log,
    Send,
    Tag,
    Untag,
)
from dialogs.scenarios.engine import step
from dialogs.scenarios.events import Event, EventKind, Place, built_in, read_text
from dialogs.scenarios.menu import menus
from dialogs.scenarios.problems import Code, InvalidScenario, Problem, Severity
from dialogs.scenarios.reading import read_scenario
from dialogs.scenarios.repeated_names import InvalidText, check_names
from dialogs.scenarios.samples import DEFAULT, template, template_names
from dialogs.scenarios.saved_tests import Fault, Outcome, run_test, validate_test
from dialogs.scenarios.scenario import Scenario
from dialogs.scenarios.schema import EVENTS, SCENARIO, TEST
from dialogs.scenarios.simulation import InvalidEvents, Simulation, simulate
from dialogs.scenarios.simulation_budget import SimulationBudget
from dialogs.scenarios.used_uploads import used_uploads
from dialogs.scenarios.validation import find_problems, load, validate
from dialogs.scenarios.versions import (
    Difference,
    Migration,
    VariableDifference,
    diff,
    migrate,
    moved_log,
    variable_difference,
)

__all__ = [
    "DEFAULT",
    "EVENTS",
    "IDLE",
    "REPEATED_TAP",
    "SCENARIO",
    "TEST",
    "Answer",
    "Code",
    "Conversation",
    "Coverage",
    "Difference",
    "Edit",
    "Effect",
    "Event",
    "EventKind",
    "Failure",
    "Fault",
    "InvalidEvents",
    "InvalidScenario",
    "InvalidText",
    "Log",
    "Migration",
    "Outcome",
    "Place",
    "Problem",
    "Scenario",
    "Send",
    "Severity",
    "Simulation",
    "SimulationBudget",
    "Tag",
    "Untag",
    "VariableDifference",
    "built_in",
    "check_names",
    "coverage",
    "diff",
    "find_problems",
    "load",
    "menus",
    "migrate",
    "moved_log",
    "read_scenario",
    "read_text",
    "run_test",
    "simulate",
    "step",
    "template",
    "template_names",
    "used_uploads",
    "validate",
    "validate_test",
    "variable_difference",
]
