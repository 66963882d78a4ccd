"""Answers about the menus of commands that Telegram shows."""

from __future__ import annotations

from enum import StrEnum

from marshmallow import Schema, fields

from handlers.schemas.common import Moment


class MenuState(StrEnum):
    """Whether Telegram shows the commands of a scenario."""

    NONE = "none"
    WAITING = "waiting"
    SET = "set"
    REFUSED = "refused"


class RefusedCommandSchema(Schema):
    """What Telegram has refused of a menu."""

    language = fields.String(
        required=True,
        metadata={"description": "Of the menu; empty for that of all other languages."},
    )
    command = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "null if it is not because of a command, but of the language."},
    )
    error = fields.String(required=True, metadata={"description": "Telegram's words."})


class MenuSchema(Schema):
    """The menu that Telegram shows."""

    state = fields.Enum(
        MenuState,
        by_value=True,
        required=True,
        metadata={
            "description": "`none`: the scenario has no commands. `waiting`: it is being set, or "
            "waits until the bot runs. `set`: Telegram has it. `refused`: Telegram has all of it "
            "but what is in `refused`; correct that, and publish again."
        },
    )
    refused = fields.List(fields.Nested(RefusedCommandSchema), required=True)
    at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When it was set; null if it is not."},
    )
