"""Bodies and answers of the simulation of a scenario."""

from __future__ import annotations

from datetime import datetime

from marshmallow import Schema, ValidationError, fields, validate

from dialogs.scenarios.simulation import EARLIEST, LATEST
from handlers.ids import MAX_ID
from handlers.schemas.common import BodySchema, ProblemSchema, Unchecked

_NO_TIME = (
    f"Use a time with a time zone from {EARLIEST.year} to {LATEST.year - 1}, such as "
    "2026-01-31T18:30:00Z."
)


def _is_usual(moment: datetime) -> None:
    if not EARLIEST <= moment < LATEST:
        raise ValidationError(_NO_TIME)


def _file(kind: str) -> fields.Raw:
    return fields.Raw(
        metadata={
            "type": ["string", "object"],
            "description": f"A file of the type {kind}: its address, its id, or an object with the "
            "`upload`.",
        }
    )


class SimulationRequestSchema(BodySchema):
    """What is played."""

    events = fields.List(
        Unchecked(metadata={"type": ["string", "object"]}),
        required=True,
        metadata={
            "description": "What the user does: texts, or objects; see docs/scenarios.md. All may "
            "take 5 seconds, and have 2 MB of what is said and logged."
        },
    )
    version = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "A published version; the draft without it."},
    )
    now = fields.AwareDateTime(
        load_default=None,
        allow_none=True,
        format="iso",
        validate=_is_usual,
        error_messages=dict.fromkeys(("invalid", "invalid_awareness"), _NO_TIME),
        metadata={
            "description": "When the first event happens; 2030-01-07T12:00:00Z without it.",
            "examples": ["2026-01-31T18:30:00.000Z"],
        },
    )


class TranscriptEntrySchema(Schema):
    """Something that the user did, or one message of the bot, with what users see of it."""

    origin = fields.String(
        data_key="from",
        required=True,
        validate=validate.OneOf(("user", "bot")),
        metadata={"description": "What the user did has the fields of its event."},
    )
    text = fields.String(metadata={"description": "The text or caption, without its markup."})
    entities = fields.List(
        fields.Dict(),
        metadata={"description": "The formatting of the text, as in the Bot API (MessageEntity)."},
    )
    photo = _file("photo")
    video = _file("video")
    animation = _file("animation")
    audio = _file("audio")
    voice = _file("voice")
    document = _file("document")
    sticker = _file("sticker")
    media = fields.List(
        fields.Dict(),
        metadata={
            "description": "An album. Each file has its `type`, and its source as `media`; the "
            "first may have a `caption` with `caption_entities`."
        },
    )
    latitude = fields.Float(metadata={"description": "Of a location, beside `longitude`."})
    longitude = fields.Float(metadata={"description": "Of a location."})
    phone_number = fields.String(metadata={"description": "Of a contact."})
    first_name = fields.String(metadata={"description": "Of a contact."})
    last_name = fields.String(metadata={"description": "Of a contact."})
    buttons = fields.List(
        fields.List(fields.Dict()),
        metadata={"description": "Rows of buttons, as in the Bot API (InlineKeyboardButton)."},
    )
    keyboard = fields.List(
        fields.List(fields.String()),
        metadata={"description": "Rows of keys in place of the keyboard: their texts."},
    )
    remove_keyboard = fields.Boolean(
        metadata={"description": "true if the keys of an earlier message go away."}
    )
    answer = fields.String(
        metadata={"description": "What is shown for a moment after a tap, in place of a message."}
    )


class PlayedSchema(Schema):
    """What was played of a simulation."""

    transcript = fields.List(
        fields.Nested(TranscriptEntrySchema),
        required=True,
        metadata={"description": "What the user did, as in `events`, and what the bot said."},
    )
    states = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The state after each event; empty if the talk has ended."},
    )
    variables = fields.Dict(required=True, metadata={"description": "Their values at the end."})
    tags = fields.List(fields.String(), required=True)
    log = fields.List(
        fields.Dict(),
        required=True,
        metadata={
            "description": "The steps: `state`, the `transition` that was taken (a JSON Pointer or "
            "a word), the state `to` which it led, and the variables that `changed`; `cut` is true "
            "if those are left out because they are too large."
        },
    )
    failures = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "Mistakes that show only while the scenario runs."},
    )


class SimulationSchema(PlayedSchema):
    """What came of a simulation."""

    unreached_states = fields.List(
        fields.String(), required=True, metadata={"description": "States that never were reached."}
    )
    untaken_transitions = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Transitions that never were taken, as JSON Pointers."},
    )


class SimulationProblemSchema(ProblemSchema):
    """An error of a simulation; `played` is there if one of its events could not be played."""

    played = fields.Nested(
        PlayedSchema,
        metadata={"description": "What came of the events before that one."},
    )
