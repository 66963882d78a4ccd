"""The table of the scenario with dialogs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.figures import median, median_ratio
from bench.layout import aligned
from bench.scenarios.dialogs import BEFORE, CAT, ECHO, NONE

Row = list[str]
_TITLES = {NONE: "no scenario", ECHO: f"copies of {ECHO}", BEFORE: "before"}


def dialogs_table(found: dict[str, Any]) -> str:
    """Results of the scenario as a table."""
    rss = found["rss_kb"]
    return aligned(
        [
            ["dialogs, SQLite", "measured", "target"],
            ["a step of cat_or_bread, us", f"{found['step_us']:.1f}", "50 at most"],
            ["a step of 500 states, us", f"{found['step_500_us']:.1f}", "1,000 at most"],
            ["validation of 500 states, ms", f"{found['validate_500_ms']:.0f}", "100 at most"],
            *_echo(found["echo"]),
            [f"memory of a bot with a copy of {CAT}, KB", f"{rss[CAT]:.0f}", "60 at most"],
            ["memory of a bot without a scenario, KB", f"{rss[NONE]:.0f}", ""],
        ]
    )


def _echo(echo: dict[str, dict[str, list[float]]]) -> Iterator[Row]:
    base = BEFORE if BEFORE in echo else NONE
    for name, title in (
        ("cpu_ms", "CPU per message, saturated, ms"),
        ("cpu_ms_at_rate", "CPU per message at the fixed rate, ms"),
    ):
        for variant, values in echo.items():
            yield [f"{title}: {_TITLES[variant]}", f"{median(values[name]):.3f}", ""]
        ratio = median_ratio(echo[ECHO][name], echo[base][name])
        yield [f"{title}: {_TITLES[ECHO]} / {_TITLES[base]}*", f"{ratio:.2f}", "1.10 at most"]
    lost = sum(sum(values["lost"]) + sum(values["wrong"]) for values in echo.values())
    yield ["messages not answered, or wrongly", f"{lost:.0f}", "0"]


DIALOGS_NOTES = "* the median of the ratios of all rounds."
