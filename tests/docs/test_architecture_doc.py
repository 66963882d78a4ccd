"""docs/architecture.md leads to places: they must be there."""

from __future__ import annotations

import re

import pytest
from support.server_process import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text()
FILES = sorted(set(re.findall(r"`((?:\w+/)+\w+\.py)`", TEXT)))
NAMES = sorted(set(re.findall(r"`([A-Z]\w+)(?:\.(\w+))?`", TEXT)))


def _sources() -> str:
    folders = ("server", "services", "handlers", "runner", "models", "dialogs")
    return "\n".join(path.read_text() for name in folders for path in (ROOT / name).rglob("*.py"))


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_it_names_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize(("owner", "member"), [name for name in NAMES if name[0] != "SQLite"])
def test_a_class_that_it_names_is_there(owner: str, member: str) -> None:
    text = _sources()
    assert re.search(rf"^class {owner}\b", text, re.MULTILINE)
    assert not member or re.search(rf"^    (?:async )?def {member}\(", text, re.MULTILINE)


def test_it_leads_to_most_places() -> None:
    assert len(FILES) > 25
    assert len(NAMES) > 3
