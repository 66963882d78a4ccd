"""Scenarios as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from dialogs.scenarios import Migration, Problem, Severity, Simulation
from handlers.schemas.menus import MenuState
from handlers.times import rfc3339
from models.dialogs.menus import Shown
from models.dialogs.scenarios import Draft, VersionRow
from services.playing import Played

# bytes of a body; a scenario has 256 KB at most, and may be written with blanks
MAX_SCENARIO = 512 * 1024


def present_scenario(document: Any) -> orjson.Fragment:
    """Write a scenario for editors of texts: indented, unless that is too large to be sent back.

    Args:
        document: the scenario, with nothing in it that JSON does not have.
    """
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    return orjson.Fragment(text if len(text) < MAX_SCENARIO else orjson.dumps(document))


def present_validity(problems: list[Problem]) -> dict[str, Any]:
    """Write what is wrong with a scenario."""
    return {
        "valid": not any(one.severity is Severity.ERROR for one in problems),
        "problems": [asdict(one) for one in problems],
    }


def present_saved(draft: Draft, problems: list[Problem]) -> dict[str, Any]:
    """Write a draft that was saved, without its document."""
    return {
        "revision": draft.revision,
        "updated_at": draft.updated_at and rfc3339(draft.updated_at),
        "updated_by": draft.updated_by,
        **present_validity(problems),
    }


def present_version(row: VersionRow) -> dict[str, Any]:
    """Write a version, without its document."""
    return {
        "n": row.n,
        "note": row.note,
        "migrate": Migration.RESTART if row.restarts_before == row.n else Migration.KEEP,
        "created_at": rfc3339(row.created_at),
        "author": row.author,
        "live": row.live,
    }


def present_menu(menu: Shown | None) -> dict[str, Any] | None:
    """Write what is known of the menu of a version; None if the bot runs another one."""
    if menu is None:
        return None
    state = MenuState.NONE if menu.is_empty else MenuState.SET
    if not menu.is_set:
        state = MenuState.WAITING
    elif menu.refused:
        state = MenuState.REFUSED
    return {
        "state": state,
        "refused": [asdict(one) for one in menu.refused],
        "at": menu.at and rfc3339(menu.at),
    }


def present_simulation(played: Played) -> dict[str, Any]:
    """Write what came of a simulation."""
    return {
        **present_played(played.simulation),
        "unreached_states": played.coverage.states,
        "untaken_transitions": played.coverage.transitions,
    }


def present_played(simulation: Simulation) -> dict[str, Any]:
    """Write what was played of a simulation."""
    return {
        "transcript": simulation.transcript,
        "states": simulation.states,
        "variables": simulation.variables,
        "tags": simulation.tags,
        "log": [one.to_json() for one in simulation.log],
        "failures": [asdict(one) for one in simulation.failures],
    }
