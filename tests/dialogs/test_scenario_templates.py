"""The templates that ship: each is valid and played through."""

from __future__ import annotations

import re

import pytest
from support.template_plays import plays

from dialogs.scenarios import load, validate
from dialogs.scenarios.coverage import coverage
from dialogs.scenarios.samples import DEFAULT, template, template_names
from dialogs.scenarios.simulation import START, simulate

BASES = ("appointment", "cat_or_bread", "echo", "faq_menu", "feedback_form", "order", "quiz")
PLAYED = plays(START.date())


def test_there_are_seven_in_two_languages() -> None:
    assert {*template_names()} == {f"{base}.{of}" for base in BASES for of in ("en", "ru")}
    assert DEFAULT in template_names()
    assert {*PLAYED} == {*template_names()}


@pytest.mark.parametrize("name", template_names())
def test_it_has_no_problems(name: str) -> None:
    assert validate(template(name))[1] == []


@pytest.mark.parametrize("name", template_names())
def test_it_can_be_played_through(name: str) -> None:
    events, last, variables = PLAYED[name]
    played = simulate(load(template(name)), events)
    assert played.replies[-1] == last
    assert played.variables == variables
    assert played.failures == []


@pytest.mark.parametrize("base", BASES)
def test_every_state_is_reached_in_one_of_the_languages(base: str) -> None:
    left = [
        {*coverage(scenario, simulate(scenario, PLAYED[name].events).log).states}
        for name in (f"{base}.en", f"{base}.ru")
        for scenario in [load(template(name))]
    ]
    assert left[0] & left[1] == set()


@pytest.mark.parametrize("base", BASES)
def test_both_languages_have_the_same_states(base: str) -> None:
    english, russian = template(f"{base}.en"), template(f"{base}.ru")
    assert [*english["states"]] == [*russian["states"]]
    texts = re.sub(r"\{\{.*?\}\}|placehold\S*", "", str(russian["states"]))
    assert re.search("[а-я]", texts) or base == "echo"


def test_there_is_no_other() -> None:
    with pytest.raises(KeyError):
        template("../scenario.schema")
