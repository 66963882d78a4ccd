"""The format of scenarios in the API document: an object with an example.

Its schema, with all rules, is served as `/api/v1/scenario.schema.json`.
"""

from __future__ import annotations

from handlers.apidoc.schemas import EXAMPLES, Document

SCENARIO = "ScenarioContent"


def scenario_schemas() -> dict[str, Document]:
    """Return the schema of a scenario, by name."""
    schema: Document = {
        "type": "object",
        "description": "A scenario; `/api/v1/scenario.schema.json` has the rules.",
        "additionalProperties": True,
        "examples": [EXAMPLES[SCENARIO]],
    }
    return {SCENARIO: schema}
