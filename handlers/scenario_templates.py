"""The scenarios to begin with, and the format that scenarios are written in."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from tornado.web import url

from dialogs.scenarios import SCENARIO, template, template_names
from handlers import errors
from handlers.base import ApiHandler
from handlers.presentation_scenarios import present_scenario

_PUBLIC = frozenset({"GET", "HEAD"})


class ScenarioFormat(ApiHandler):
    """The JSON Schema of a scenario."""

    public: ClassVar[frozenset[str]] = _PUBLIC
    _schema: ClassVar[bytes] = orjson.dumps(SCENARIO, option=orjson.OPT_INDENT_2)

    def get(self) -> None:
        """Return the JSON Schema (2020-12) of a scenario, for editors and validators.

        ---
        summary: The format of scenarios
        tags: [Scenarios]
        responses:
          200:
            description: The schema.
            content: {application/schema+json: {schema: {type: object}}}
        """
        self.set_header("Content-Type", "application/schema+json")
        self.write(self._schema)


class Templates(ApiHandler):
    """The templates."""

    def get(self) -> None:
        """List the scenarios to begin with.

        ---
        summary: Templates
        tags: [Scenarios]
        responses:
          200: {description: The templates., schema: ScenarioTemplatesSchema}
        """
        items = []
        for name in template_names():
            document = template(name)
            items.append(
                {"name": name, "title": document["title"], "language": document["language"]}
            )
        self.answer({"items": items})


class OneTemplate(ApiHandler):
    """One template."""

    def get(self, template_name: str) -> None:
        """Return the scenario of a template, for editors of texts.

        ---
        summary: One template
        tags: [Scenarios]
        responses:
          200:
            description: The scenario.
            content: {application/json: {schema: {$ref: "#/components/schemas/ScenarioContent"}}}
        """
        if template_name not in template_names():
            raise errors.NotFound(f"There is no template {template_name}.")
        self.answer(present_scenario(template(template_name)))


routes: list[Any] = [
    url(r"/api/v1/scenario\.schema\.json", ScenarioFormat),
    url(r"/api/v1/scenario_templates/?", Templates),
    url(r"/api/v1/scenario_templates/([a-z0-9_.]{1,64})/?", OneTemplate),
]
