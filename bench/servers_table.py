"""The tables of the scenarios with several servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.figures import median, median_ratio
from bench.layout import aligned
from bench.scenarios.servers import BEFORE, ONE, TWO, Values

Row = list[str]
_TITLES = {BEFORE: "before", ONE: "1 process", TWO: "2 processes"}
_COMPARED = {  # "two to one" and "one to before", each with its target
    "two / one": (TWO, ONE),
    "one / before": (ONE, BEFORE),
}
_LESS, _MORE = "1.03 at most", "0.97 at least"
_ECHO = [  # name, title, digits, targets of both ratios
    ("cpu_ms", "CPU per message, saturated, ms", 3, ("1.15 at most", _LESS)),
    ("per_second", "messages per second, saturated", 0, ("", _MORE)),
    ("cpu_ms_at_rate", "CPU per message at {rate:.0f}/s, ms", 3, ("1.15 at most", _LESS)),
    ("p50_ms", "message to answer at {rate:.0f}/s, p50, ms", 1, ("", _LESS)),
    ("p99_ms", "message to answer at {rate:.0f}/s, p99, ms", 1, ("", "")),
    ("core_share", "share of the core used, saturated", 2, None),
    ("standin_share", "share of its core the stand-in used", 2, None),
    ("lost", "messages never answered", 0, None),
    ("wrong", "answers that nobody waited for", 0, None),
]
_WAYS = {"itself": "through the process that runs the bot", "another": "through another process"}
_SWITCH_TARGETS = {"p50": "10 at most", "p99": "50 at most"}
_FAILOVER = [  # name, title, digits
    ("last", "until all bots are polled by others, s", 2),
    ("p50", "until half of them are, s", 2),
    ("detected", "of this, until the process was found dead, s", 2),
    ("start", "of this, to start all bots, s", 2),
    ("cores", "cores that the other two used for that", 2),
]


def servers_tables(found: dict[str, Any], sizes: dict[str, Any]) -> Iterator[str]:
    """Results of the scenarios as tables: first the variants beside each other, then the rest.

    Args:
        found: by scenario.
        sizes: of the run.
    """
    compared = [
        *_echo(found.get("servers_echo", {}), sizes),
        *_idle(found.get("servers_idle", {}), sizes),
    ]
    if compared:
        pairs = [column for name in _COMPARED for column in (name, "target")]
        yield aligned([["", *_TITLES.values(), *pairs], *compared])
    alone = [*_switching(found.get("servers_switching", {})), *_failover(found, sizes)]
    if alone:
        yield aligned([["several processes", "measured", "target"], *alone])


def _echo(found: Values, sizes: dict[str, Any]) -> Iterator[Row]:
    for name, title, digits, targets in _ECHO if found else []:
        ratios = [
            f"{median_ratio(found[over][name], found[under][name]):.3f}"
            if targets and _all(found, over, under)
            else ""
            for over, under in _COMPARED.values()
        ]
        yield [title.format(**sizes), *_cells(found, name, digits), *_with(ratios, targets)]


def _idle(found: Values, sizes: dict[str, Any]) -> Iterator[Row]:
    if not found:
        return
    more = [
        f"{_difference(found[over]['percent'], found[under]['percent']):+.2f}"
        if _all(found, over, under)
        else ""
        for over, under in _COMPARED.values()
    ]
    title = f"idle with {sizes['many']} bots, percent of a core*"
    yield [title, *_cells(found, "percent", 2), *_with(more, ("+1 at most", "+1 at most"))]


def _difference(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the differences of values that were measured in the same round."""
    return median(a - b for a, b in zip(over, under, strict=True))


def _all(found: Values, *variants: str) -> bool:
    return all(variant in found for variant in variants)


def _cells(found: Values, name: str, digits: int) -> list[str]:
    return [
        f"{median(found[variant][name]):.{digits}f}" if variant in found else ""
        for variant in _TITLES
    ]


def _with(values: list[str], targets: tuple[str, str] | None) -> list[str]:
    """Values with their targets beside them."""
    return [
        cell
        for value, target in zip(values, targets or ("", ""), strict=True)
        for cell in (value, target if value else "")
    ]


def _switching(found: dict[str, Any]) -> Iterator[Row]:
    for name in ("off", "on") if found else ():
        for way, through in _WAYS.items():
            for share in ("p50", "p99"):
                target = _SWITCH_TARGETS[share] if way == "another" else ""
                value = f"{found[way][f'{name}_ms'][share]:.1f}"
                yield [f"switching {name} {through}, {share}, ms", value, target]


def _failover(found: dict[str, Any], sizes: dict[str, Any]) -> Iterator[Row]:
    measured = found.get("servers_failover", {})
    for name, title, digits in _FAILOVER if measured else ():
        value = f"{median(measured[name]):.{digits}f}"
        yield [f"kill -9 with {sizes['killed']} bots: {title}", value, ""]
    if measured:
        worst = f"{max(measured['last']):.2f}"
        title = f"kill -9 with {sizes['killed']} bots: the slowest round, s"
        yield [title, worst, "10 at most"]


SERVERS_NOTES = """\
Ratios: medians of the ratios within a round; above 1, the first is larger. CPU is that of both
processes together, without PostgreSQL. * instead of ratios: the medians of the differences."""
