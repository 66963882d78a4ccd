"""docs/security.md names tests: those that hold its promises must be there."""

from __future__ import annotations

import re

import pytest
from support.server_process import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()
FILES = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT)))
NAMES = sorted(set(re.findall(r"`((?:test_|Test)\w+)`", TEXT)))


def test_it_names_tests() -> None:
    assert len(FILES) > 10
    assert len(NAMES) > 25


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_it_names_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_a_test_that_it_names_is_there(name: str) -> None:
    defined = re.compile(rf"\b(?:def|class) {name}\b")
    assert any(defined.search(path.read_text()) for path in (ROOT / "tests").rglob("test_*.py"))
