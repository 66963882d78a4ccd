"""The table of the scenario `api`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.figures import median, median_ratio
from bench.layout import aligned

DJANGO, DJANGO_2 = "django", "django_2"
CONNECTIONS = (1, 16)
LIST_DURING_LOGINS = "list_during_logins"
ROWS = {
    "list": "GET list",
    "one": "GET one",
    "title": "PATCH title",
    "active": "PATCH active",
    "login": "POST login",
    LIST_DURING_LOGINS: "GET list, 4 log in",
}
_TITLES = {
    DJANGO: "Django, 1 worker",
    DJANGO_2: "2 workers, 2 cores",
    "botyard": "Botyard",
    "botyard_postgresql": "on PostgreSQL",
    "botyard_before": "before",
    "botyard_postgresql_before": "before, PostgreSQL",
}
_MEASURES = [  # name, title, digits, larger is better; None: no ratio
    ("cpu_ms", "CPU per request, ms", 2, False),
    ("per_second", "requests/s", 1, True),
    ("p50_ms", "p50, ms", 2, None),
    ("p99_ms", "p99, ms", 2, None),
    ("core_share", "cores used", 2, None),
    ("logins_per_second", "logins/s", 1, True),
]

Found = dict[str, dict[str, list[float]]]  # by server and name, a value for each round


def api_table(found: dict[str, Found]) -> str:
    """Results of the scenario; ratios above 1 are in Botyard's favour.

    Args:
        found: by `ROW_CONNECTIONS`, what was measured.
    """
    servers = {peer for measured in found.values() for peer in measured}
    peers = [peer for peer in _TITLES if peer in servers]
    head = ["", *(_TITLES[peer] for peer in peers), "x 1 worker", "x 2 workers"]
    rows = [head]
    for row, title in ROWS.items():
        for connections in CONNECTIONS:
            if measured := found.get(f"{row}_{connections}"):
                rows += _rows(f"{title}, {connections} conn.", measured, peers)
    return aligned(rows)


def _rows(title: str, measured: Found, peers: Sequence[str]) -> Iterator[list[str]]:
    for name, what, digits, larger_is_better in _MEASURES:
        values = {peer: measured[peer][name] for peer in measured if name in measured[peer]}
        if not values:
            continue
        cells = [f"{median(values[peer]):.{digits}f}" if peer in values else "" for peer in peers]
        ratios = [
            ratio(values.get("botyard", []), values.get(peer, []), larger=larger_is_better)
            if larger_is_better is not None
            else ""
            for peer in (DJANGO, DJANGO_2)
        ]
        yield [f"{title}: {what}", *cells, *ratios]


def ratio(ours: Sequence[float], theirs: Sequence[float], *, larger: bool) -> str:
    """The median of the ratios of all rounds; empty when one of them cannot be told.

    Args:
        larger: whether a larger value is better.
    """
    if not ours or not theirs or min(*ours, *theirs) <= 0:
        return ""
    return f"{median_ratio(ours, theirs) if larger else median_ratio(theirs, ours):.2f}"


API_NOTES = """\
The API: the server runs on one core, wrk on the other one; Django's two workers run on both, the
second one beside wrk. CPU is user + system time of all processes of the server. Requests/s of
reads mean little where `cores used` is far below 1 at 16 connections: something else ran there."""
