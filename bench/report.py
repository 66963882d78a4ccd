"""The table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bench.figures import median, median_ratio
from bench.layout import aligned
from bench.peers.launch import AIOGRAM, BEFORE, BOTYARD, BOTYARD_POSTGRESQL, STOCK, TITLES
from bench.scenarios.stall import BASELINE

Row = list[str]
_ECHO = [  # name, title, digits
    ("cpu_ms", "CPU per message, saturated, ms", 2),
    ("per_second", "messages per second, saturated", 0),
    ("cpu_ms_at_rate", "CPU per message at {rate:.0f}/s, ms", 2),
    ("p50_ms", "message to answer at {rate:.0f}/s, p50, ms", 1),
    ("p99_ms", "message to answer at {rate:.0f}/s, p99, ms", 1),
    ("core_share", "share of its core used, saturated", 2),
    ("standin_share", "share of its core the stand-in used", 2),
    ("lost", "messages never answered", 0),
    ("wrong", "answers that nobody waited for", 0),
]
_START = [
    ("cpu_ms", "CPU to start a bot ({bots} bots), ms", 2),
    ("rss_kb", "memory per bot ({bots} bots), KB", 0),
    ("rss_mb_one", "memory of the process with one bot, MB", 0),
]
_PHASES = {
    "baseline": "an idle Tornado server",
    "boot": "boot with {many} bots",
    "idle": "idle",
    "busy": "{busy_rate:.0f} messages/s",
    "full_load": "saturated",
    "switching": "switching bots",
}
_WHOLE_CORE = 0.9
_COMPARED = {"cpu_ms", "per_second", "cpu_ms_at_rate", "rss_kb"}
_ALWAYS = {"x stock PTB": (BOTYARD, STOCK), "x aiogram": (BOTYARD, AIOGRAM)}
_WITH_BEFORE = {
    "x before": (BOTYARD, BEFORE[BOTYARD]),
    "x before, PostgreSQL": (BOTYARD_POSTGRESQL, BEFORE[BOTYARD_POSTGRESQL]),
}


def table(results: dict[str, Any]) -> str:
    """All results as one table of text; ratios above 1 are in Botyard's favour."""
    peers: list[str] = results["peers"]
    head = ["", *(TITLES[peer] for peer in peers), *_ratios(peers)]
    rows: list[Row] = [head]
    found = results["scenarios"]
    sizes = results["sizes"]
    if "echo" in found:
        rows += _compare(found["echo"], _ECHO, peers, sizes, of_rounds=True)
    if lanes := found.get("lanes"):
        rows += _rows({BOTYARD: dict(_lanes(lanes))}, peers)
    if "start" in found:
        rows += _compare(found["start"], _START, peers, sizes, of_rounds=False)
    if BASELINE in (stalls := found.get("stall", {})):
        rows += _rows({BOTYARD: dict(_stall(stalls[BASELINE], sizes))}, peers)
    rows += _rows({peer: dict(_botyard_only(found, peer, sizes)) for peer in peers}, peers)
    return aligned(rows)


def _ratios(peers: list[str]) -> dict[str, tuple[str, str]]:
    """The columns of ratios: whose values are compared with whose."""
    return _ALWAYS | {title: pair for title, pair in _WITH_BEFORE.items() if not {*pair} - {*peers}}


def _compare(
    found: dict[str, Any],
    measures: list[tuple[str, str, int]],
    peers: list[str],
    sizes: dict[str, Any],
    *,
    of_rounds: bool,
) -> list[Row]:
    rows = []
    for name, title, digits in measures:
        value: Callable[[str], Any] = lambda peer, name=name: found[peer][name]  # noqa: E731
        cells = [f"{median(value(p)) if of_rounds else value(p):.{digits}f}" for p in peers]
        ratios = [
            _ratio(name, value(ours), value(other), of_rounds)
            if name in _COMPARED and other in peers and ours in peers
            else ""
            for ours, other in _ratios(peers).values()
        ]
        rows.append([title.format(**sizes), *cells, *ratios])
    return rows


def _ratio(name: str, ours: Any, theirs: Any, of_rounds: bool) -> str:
    if not of_rounds:
        ours, theirs = [ours], [theirs]
    over, under = (ours, theirs) if name == "per_second" else (theirs, ours)
    return f"{median_ratio(over, under):.2f}" if min([*over, *under]) > 0 else ""


def _rows(cells: dict[str, dict[str, str]], peers: list[str]) -> list[Row]:
    """Rows without ratios, from what each program has to say by title."""
    titles = list(dict.fromkeys(title for column in cells.values() for title in column))
    none = [""] * len(_ratios(peers))
    return [
        [title, *(cells.get(peer, {}).get(title, "") for peer in peers), *none] for title in titles
    ]


def _lanes(lanes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the scenario says of answers beside a queue."""
    for name, title in (("alone", "alone"), ("beside", f"beside {lanes['queued']} messages")):
        shown = lanes[name]
        yield f"an answer {title}, p50, ms", f"{shown['p50_ms']:.1f}"
        yield f"an answer {title}, p95, ms", f"{shown['p95_ms']:.1f}"
    yield "these messages per second meanwhile", f"{lanes['beside']['low_per_second']:.1f}"
    yield "calls refused by Telegram's limits", f"{lanes['refused']}"


def _botyard_only(
    found: dict[str, Any], peer: str, sizes: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    many = sizes["many"]
    if boot := found.get("boot", {}).get(peer):
        yield from [
            (f"boot with {many} bots: /healthz answers after, s", f"{boot['healthz_s']:.2f}"),
            (f"boot with {many} bots: /readyz answers 200 after, s", f"{boot['readyz_s']:.2f}"),
            (f"CPU to start a bot ({many} bots), ms", f"{boot['cpu_ms_bot']:.2f}"),
            (f"memory per bot ({many} bots), KB", f"{boot['rss_kb_bot']:.0f}"),
            (f"memory with {many} bots, MB", f"{boot['rss_mb']:.0f}"),
            (f"open files with {many} bots", f"{boot['files']}"),
            (f"idle with {many} bots, percent of a core", f"{boot['idle_percent']:.1f}"),
        ]
    if switching := found.get("switching", {}).get(peer):
        for name, title in (("off_ms", "switching off"), ("on_ms", "switching on")):
            shown = switching[name]
            yield from [(f"{title} under load, {p}, ms", f"{shown[p]:.1f}") for p in ("p50", "p99")]
        yield from [
            ("messages sent after the answer to off", f"{switching['sent_after_off']}"),
            ("messages unanswered after all were on again", f"{switching['unanswered']}"),
        ]
    yield from _stall(found.get("stall", {}).get(peer, {}), sizes)


def _stall(phases: dict[str, Any], sizes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, phase in phases.items():
        title = _PHASES[name].format(**sizes)
        if turns := phase["turns"]:
            yield f"longest stall of the event loop*, {title}, ms", f"{turns['max']:.0f}"
        if answers := phase["answers"]:
            value = f"{answers['p50']:.1f} / {answers['max']:.0f}"
            yield f"/healthz every 10 ms, {title}: p50 / longest**, ms", value


def warnings(results: dict[str, Any]) -> list[str]:
    """What stands against taking the figures at face value."""
    shares = {
        peer: median(found["core_share"])
        for peer, found in results["scenarios"].get("echo", {}).items()
    }
    held_up = [TITLES[peer] for peer, share in shares.items() if share < _WHOLE_CORE]
    if not held_up:
        return []
    return [
        f"Not a whole core: {', '.join(held_up)}. Something else ran on this machine, or bots were "
        "held to 30 messages/s: messages per second mean little here, CPU per message still does."
    ]


NOTES = """\
Ratios: medians of the ratios within a round, above 1 is better for Botyard.
* how late a timer in the loop came that was due every millisecond. It contains the scheduler's
  noise: see the idle Tornado server.
** from outside: it contains the work queued before the request, too; before the boot, the start."""
