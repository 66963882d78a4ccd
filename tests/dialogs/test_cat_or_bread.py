"""The template cat_or_bread, word for word."""

from __future__ import annotations

import pytest

from dialogs.scenarios import load
from dialogs.scenarios.coverage import coverage
from dialogs.scenarios.samples import template
from dialogs.scenarios.simulation import simulate

HELLO = "Привет! Я помогу отличить кота от хлеба! Объект перед тобой квадратный?"
EARS = "У него есть уши?"
CAT = "Это кот, а не хлеб! Не ешь его!"
BREAD = "Это хлеб, а не кот! Ешь его!"

SCENARIO = load(template("cat_or_bread.ru"))


@pytest.mark.parametrize("yes", ["да", "Конечно", "ага!", " ПОЖАЛУЙ… "])
@pytest.mark.parametrize("no", ["нет", "Нет,  конечно.", "нет конечно", "ноуп", "Найн!"])
def test_it_tells_cats_from_bread(yes: str, no: str) -> None:
    played = simulate(SCENARIO, ["/start", yes, yes, "/start", yes, no, "/start", no])
    replies = [HELLO, EARS, CAT, HELLO, EARS, BREAD, HELLO, CAT]
    assert played.replies == [[reply] for reply in replies]


def test_anything_else_asks_again() -> None:
    played = simulate(SCENARIO, ["привет", "не знаю", {"sticker": "x"}, "да", "данет"])
    assert played.replies == [[HELLO], [HELLO], [HELLO], [EARS], [EARS]]


def test_start_begins_anew() -> None:
    assert simulate(SCENARIO, ["x", "да", "/start"]).replies[-1] == [HELLO]


def test_a_test_can_reach_all_of_it() -> None:
    played = simulate(SCENARIO, ["x", "да", "да", "x", "да", "нет", "x", "нет"])
    left = coverage(SCENARIO, played.log)
    assert (left.states, left.transitions) == ((), ())
