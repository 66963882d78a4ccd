"""Dialogs: what a step takes, what a message costs with a scenario, and what a bot needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench.dense_scenario import dense_scenario
from bench.figures import median
from bench.installations import Build, with_bots
from bench.measure import rss_bytes
from bench.processes import ROOT, wait_for
from bench.scenarios import echo
from bench.stage import Stage
from dialogs.scenarios import Scenario, find_problems, load, read_text, step, template

BEFORE, NONE, ECHO, CAT = "before", "none", "echo.en", "cat_or_bread.en"
_STEPS = 2000  # that are timed
_VALIDATIONS = 11
_SETTLE = 1.0  # seconds between the last answer and the look at memory
_NOW = datetime(2030, 1, 1, tzinfo=UTC)


def run(stage: Stage) -> dict[str, Any]:
    """Measure the engine alone, echo with and without it, and many bots with scenarios.

    Returns:
        `step_us`, `step_500_us`, `validate_500_ms`: medians; `echo`: by variant, what `echo.run`
        returns for a program; `rss_kb`: by variant, a bot that has answered one message.
    """
    return {
        "step_us": _step_us(load(template(CAT)), ["/start", "yes", "no"]),
        "step_500_us": _step_us(load(dense_scenario()), ["/start", "next", "other", "what?"]),
        "validate_500_ms": _validate_ms(),
        "echo": _echo(stage),
        "rss_kb": {name: _rss_kb(stage, name) for name in (NONE, CAT)},
    }


def _median_time(call: Callable[[], object], count: int) -> float:
    """Return the median of the seconds that a call takes."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return median(times)


def _step_us(scenario: Scenario, texts: list[str]) -> float:
    times, talk = [], None
    events = [read_text(text, {"user.first_name": "Ann"}) for text in texts]
    for number in range(_STEPS):
        event = events[number % len(events)]
        began = time.perf_counter()
        talk, _ = step(scenario, talk, event, _NOW)
        times.append(time.perf_counter() - began)
    return 1e6 * median(times)


def _validate_ms() -> float:
    document = dense_scenario()
    return 1000 * _median_time(lambda: find_problems(document), _VALIDATIONS)


def _build(stage: Stage, name: str) -> Build:
    if name == BEFORE:
        return Build(checkout=stage.before or ROOT)
    return Build(scenario="" if name == NONE else name)


def _echo(stage: Stage) -> dict[str, dict[str, list[float]]]:
    variants = [*([BEFORE] if stage.before else []), NONE, ECHO]
    results: dict[str, dict[str, list[float]]] = {name: {} for name in variants}
    for number in range(stage.sizes.rounds):
        # the other way round each second time: none is always the one that comes later
        for name in variants if number % 2 == 0 else reversed(variants):
            stage.say(f"dialogs, echo, round {number + 1}: {name}")
            bots = stage.sizes.talking
            with with_bots(stage, bots, build=_build(stage, name)) as botyard:
                stage.telegram.wait_polled(bots, botyard.process)
                for what, value in echo.measure(stage, botyard.process).items():
                    results[name].setdefault(what, []).append(value)
    return results


def _rss_kb(stage: Stage, name: str) -> float:
    """Return how much memory a bot takes that has answered one message."""
    many = stage.sizes.many
    sizes = []
    for bots in (1, many):
        stage.say(f"dialogs, memory of {bots} bots: {name}")
        with with_bots(stage, bots, build=_build(stage, name)) as botyard:
            stage.telegram.wait_polled(bots, botyard.process)
            for index in range(bots):
                stage.telegram.ask("inject", bot=index, messages=1)
            wait_for("all bots answer", partial(_have_answered, stage, bots), timeout=60)
            time.sleep(_SETTLE)
            sizes.append(rss_bytes(botyard.process.pid))
    return (sizes[1] - sizes[0]) / 1024 / (many - 1)


def _have_answered(stage: Stage, bots: int) -> bool:
    state = stage.telegram.ask("state")
    # what a scenario says is not the text of the message, which the stand-in calls wrong
    return bool(state["answered"] + state["wrong"] >= bots)
