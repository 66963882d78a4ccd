"""Linters of OpenAPI documents find nothing but what is named here with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import Program

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

# The clients of the Django backend ask for paths that end in a slash.
SLASHES = {"spectral": "path-keys-no-trailing-slash", "redocly": "no-path-trailing-slash"}
# These take no parameter, no body and no key: nothing is wrong with any request for them.
NO_CLIENT_ERROR = {
    "/healthz/", "/readyz/", "/api/v1/message.schema.json", "/api/v1/scenario.schema.json",
}  # fmt: skip


def paths(folder: Path) -> set[str]:
    """The paths of the document that end in a slash; those of files do not."""
    paths = json.loads((folder / "openapi.json").read_text())["paths"]
    return {path for path in paths if path.endswith("/")}


async def test_the_openapi_spec_validator_accepts_it(program: Program) -> None:
    ended = await program("python", "-m", "openapi_spec_validator", "openapi.json")
    assert (ended.code, ended.out.strip()) == (0, "openapi.json: OK"), ended.out


async def test_spectral_finds_nothing_else(folder: Path, program: Program) -> None:
    (folder / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    ended = await program("spectral", "lint", "openapi.json", "--format", "json", "--quiet")
    found = {(problem["code"], problem["path"][1]) for problem in json.loads(ended.out)}
    assert found == {(SLASHES["spectral"], path) for path in paths(folder)}


async def test_redocly_finds_nothing_else(folder: Path, program: Program) -> None:
    ended = await program(
        "redocly", "lint", "openapi.json", "--extends=recommended", "--format=json"
    )
    found = set(_problems(json.loads(ended.out)))
    assert found == {(SLASHES["redocly"], path) for path in paths(folder)} | {
        ("operation-4xx-response", path) for path in NO_CLIENT_ERROR
    }


def _problems(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each problem that redocly reports: its rule and its path."""
    for problem in report["problems"]:
        parts = problem["location"][0]["pointer"].split("/")
        yield problem["ruleId"], parts[2].replace("~1", "/").replace("~0", "~")


PATTERNS = """
const wrong = [];
const look = (part) => {
  if (typeof part !== "object" || part === null) return;
  if (typeof part.pattern === "string")
    for (const flags of ["", "u", "v"])
      try { new RegExp(part.pattern, flags); }
      catch (error) { wrong.push(`${flags}: ${error.message}`); }
  Object.values(part).forEach(look);
};
look(JSON.parse(require("fs").readFileSync("openapi.json")));
console.log(JSON.stringify(wrong));
"""


async def test_its_patterns_are_valid_with_every_flag(program: Program) -> None:
    """Validators compile them without a flag or with u, and `pattern` in HTML with v."""
    ended = await program("node", "--eval", PATTERNS)
    assert json.loads(ended.out) == [], ended.err
