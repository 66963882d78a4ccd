"""The JSON Schemas of scenarios and of their tests (draft 2020-12)."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from dialogs.messages import SCHEMA as MESSAGE
from dialogs.scenarios.checker import Checker

Schema = dict[str, Any]


def _load(name: str) -> Schema:
    schema: Schema = json.loads((files(__package__) / name).read_text("utf-8"))
    return schema


# Complete, for editors and validators: the schema of messages is one of its definitions.
SCENARIO = _load("scenario.schema.json")
SCENARIO["$defs"]["message"] = MESSAGE
MESSAGE_ID = str(MESSAGE["$id"])


@cache
def scenario_checker() -> Checker:
    """Return the compiled schema of scenarios."""
    return Checker(SCENARIO, MESSAGE)


EVENTS = _load("events.schema.json")
TEST = _load("test.schema.json")


@cache
def event_checker() -> Checker:
    """Return the compiled schema of the events of a simulation."""
    return Checker(EVENTS)


@cache
def saved_test_checker() -> Checker:
    """Return the compiled schema of saved tests."""
    return Checker(TEST, EVENTS)
