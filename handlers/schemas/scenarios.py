"""Bodies and answers about scenarios; a scenario itself is a document of `dialogs.scenarios`."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from dialogs.scenarios import Migration, Severity
from handlers.ids import MAX_ID
from handlers.schemas.common import BodySchema, Moment
from handlers.schemas.cursors import Cursor, CursorQuerySchema, ItemsSchema
from models.accounts.rules import printable

MAX_NOTE = 500


class ScenarioProblemSchema(Schema):
    """Something that is wrong with a scenario."""

    pointer = fields.String(
        required=True, metadata={"description": "The place in the document (RFC 6901)."}
    )
    code = fields.String(required=True, metadata={"description": "For programs."})
    severity = fields.Enum(
        Severity,
        by_value=True,
        required=True,
        metadata={"description": "A scenario with an `error` cannot be published."},
    )
    message = fields.String(required=True, metadata={"description": "For people."})


class ScenarioValiditySchema(Schema):
    """Whether a scenario can be published."""

    valid = fields.Boolean(required=True)
    problems = fields.List(
        fields.Nested(ScenarioProblemSchema),
        required=True,
        metadata={"description": "Errors before warnings."},
    )


class SavedScenarioSchema(ScenarioValiditySchema):
    """A draft that was saved."""

    revision = fields.Integer(
        required=True, metadata={"description": "The number in its ETag; grows with each change."}
    )
    updated_at = Moment(required=True)
    updated_by = fields.String(
        required=True, allow_none=True, metadata={"description": "The account; null if deleted."}
    )


class PublicationSchema(BodySchema):
    """How a draft is published."""

    note = fields.String(
        load_default="",
        validate=[validate.Length(max=MAX_NOTE), printable],
        metadata={"description": "What is new, for the list of versions."},
    )
    migrate = fields.Enum(
        Migration,
        by_value=True,
        load_default=Migration.KEEP,
        metadata={
            "description": "`keep`: a talk goes on in the new version once its state is there "
            "with a question of the same type, and until then in the old one. `restart`: all talks "
            "begin anew with the next message."
        },
    )


class ScenarioVersionSchema(Schema):
    """A published scenario; it never changes."""

    n = fields.Integer(required=True, metadata={"description": "The number of the version."})
    note = fields.String(required=True)
    migrate = fields.Enum(Migration, by_value=True, required=True)
    created_at = Moment(required=True)
    author = fields.String(
        required=True, allow_none=True, metadata={"description": "The account; null if deleted."}
    )


class ScenarioVersionItemsSchema(ItemsSchema):
    """A page of versions, the latest first."""

    items = fields.List(fields.Nested(ScenarioVersionSchema), required=True)


class WholeScenarioVersionSchema(ScenarioVersionSchema):
    """A version with its scenario."""

    document = fields.Dict(required=True, metadata={"description": "The scenario."})


class TalksSchema(Schema):
    """How many talks are in a version."""

    version = fields.Integer(required=True)
    talks = fields.Integer(required=True)


class PublishedScenarioSchema(ScenarioVersionSchema):
    """A version that was just published."""

    talks = fields.List(
        fields.Nested(TalksSchema),
        required=True,
        metadata={"description": "Talks by the version that they are still in."},
    )


class VersionQuerySchema(CursorQuerySchema):
    """A part of the versions."""

    after = Cursor(1)


class SimulationRequestSchema(BodySchema):
    """What is played."""

    events = fields.List(
        fields.Raw(metadata={"type": ["string", "object"]}),
        required=True,
        metadata={"description": "What the user does: texts, or objects; see docs/scenarios.md."},
    )
    version = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "A published version; the draft without it."},
    )


class SimulationSchema(Schema):
    """What came of a simulation."""

    transcript = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "What the user did and the bot said; `from` is `user` or `bot`."},
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
            "a word), the state `to` which it led, and the variables that `changed`."
        },
    )
    failures = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "Mistakes that show only while the scenario runs."},
    )
    unreached_states = fields.List(
        fields.String(), required=True, metadata={"description": "States that never were reached."}
    )
    untaken_transitions = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Transitions that never were taken, as JSON Pointers."},
    )


class ScenarioTemplateSchema(Schema):
    """A scenario to begin with."""

    name = fields.String(required=True)
    title = fields.String(required=True)
    language = fields.String(required=True)


class ScenarioTemplatesSchema(Schema):
    """The scenarios to begin with."""

    items = fields.List(fields.Nested(ScenarioTemplateSchema), required=True)
