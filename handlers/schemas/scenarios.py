"""Bodies and answers about scenarios; a scenario itself is a document of `dialogs.scenarios`."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from dialogs.scenarios import Migration, Severity
from handlers.ids import MAX_ID
from handlers.schemas.common import BodySchema, Moment, StrictBoolean, Unchecked
from handlers.schemas.cursors import Cursor, CursorQuerySchema, ItemsSchema
from handlers.schemas.menus import MenuSchema
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
    force = StrictBoolean(
        load_default=False, metadata={"description": "Publish even if a test fails."}
    )


class ScenarioTestsSchema(BodySchema):
    """The tests of a scenario."""

    tests = fields.List(
        Unchecked(metadata={"type": "object"}),
        required=True,
        validate=validate.Length(max=100),
        metadata={"description": "Each has a `name` and `turns`; see docs/scenarios.md."},
    )


class SavedTestsSchema(Schema):
    """The tests of a scenario as they are saved."""

    tests = fields.List(fields.Dict(), required=True, metadata={"description": "As in PUT."})


class TestOutcomeSchema(Schema):
    """What came of a test."""

    name = fields.String(required=True)
    passed = fields.Boolean(required=True)
    faults = fields.List(
        fields.Dict(),
        required=True,
        metadata={
            "description": "Each has a `message`, and its `turn` as an index: 0 is the first one, "
            "which sentences call turn 1, and -1 is the end."
        },
    )


class TestOutcomesSchema(Schema):
    """What came of the tests of a draft."""

    passed = fields.Boolean(required=True)
    items = fields.List(fields.Nested(TestOutcomeSchema), required=True)
    unreached_states = fields.List(
        fields.String(), required=True, metadata={"description": "States that no test reaches."}
    )
    untaken_transitions = fields.List(
        fields.String(), required=True, metadata={"description": "Transitions that no test takes."}
    )


class TypeChangeSchema(Schema):
    """A variable that has another type."""

    name = fields.String(required=True)
    before = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The type; null for a variable that takes values of all types."},
    )
    after = fields.String(required=True, allow_none=True)


class VariableDifferenceSchema(Schema):
    """Which variables differ, whether or not `variables` of the scenario declares them."""

    added = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "In a talk that goes on they have their defaults, or are empty."},
    )
    removed = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "A talk that goes on loses them with their values."},
    )
    retyped = fields.List(
        fields.Nested(TypeChangeSchema),
        required=True,
        metadata={
            "description": "In a talk that goes on, a value that does not fit the new type is "
            "replaced by the default, or emptied."
        },
    )


class ScenarioDifferenceSchema(Schema):
    """What differs between two versions."""

    added = fields.List(fields.String(), required=True, metadata={"description": "States."})
    removed = fields.List(fields.String(), required=True, metadata={"description": "States."})
    changed = fields.List(fields.String(), required=True, metadata={"description": "States."})
    other = fields.List(
        fields.String(), required=True, metadata={"description": "Other parts that differ."}
    )
    variables = fields.Nested(VariableDifferenceSchema, required=True)


class DifferenceQuerySchema(BodySchema):
    """What a version is compared with."""

    to = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "The other version; the draft without it."},
    )


class ScenarioVersionSchema(Schema):
    """A published scenario; it never changes, but for `live`."""

    n = fields.Integer(required=True, metadata={"description": "The number of the version."})
    note = fields.String(required=True)
    migrate = fields.Enum(Migration, by_value=True, required=True)
    created_at = Moment(required=True)
    author = fields.String(
        required=True, allow_none=True, metadata={"description": "The account; null if deleted."}
    )
    live = fields.Boolean(
        required=True, metadata={"description": "True for the version that the bot runs."}
    )


class ScenarioVersionItemsSchema(ItemsSchema):
    """A page of versions, the latest first."""

    items = fields.List(fields.Nested(ScenarioVersionSchema), required=True)


class WholeScenarioVersionSchema(ScenarioVersionSchema):
    """A version with its scenario."""

    document = fields.Dict(required=True, metadata={"description": "The scenario."})
    menu = fields.Nested(
        MenuSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null for a version that the bot does not run any more."},
    )


class TalksSchema(Schema):
    """How many talks are in a version."""

    version = fields.Integer(required=True)
    talks = fields.Integer(
        required=True,
        metadata={"description": "All talks, those that have ended and begin anew included."},
    )
    waiting = fields.Integer(
        required=True,
        metadata={"description": "Those of them that wait in a state: people in the middle."},
    )


class PublishedScenarioSchema(ScenarioVersionSchema):
    """A version that was just published."""

    talks = fields.List(
        fields.Nested(TalksSchema),
        required=True,
        metadata={"description": "Talks by the version that they are still in."},
    )
    menu = fields.Nested(MenuSchema, required=True)
    variables = fields.Nested(
        VariableDifferenceSchema,
        required=True,
        metadata={
            "description": "What differs from the version before; all are new in the first one. "
            "Ask for it beforehand: `diff` of that version and the draft has it, too."
        },
    )
    unchanged = fields.Boolean(
        required=True,
        metadata={
            "description": "True if it is the same as the version before, as it is if nobody has "
            "saved a draft since."
        },
    )


class VersionQuerySchema(CursorQuerySchema):
    """A part of the versions."""

    after = Cursor(1)


class ScenarioTemplateSchema(Schema):
    """A scenario to begin with."""

    name = fields.String(required=True)
    title = fields.String(required=True)
    language = fields.String(required=True)


class ScenarioTemplatesSchema(Schema):
    """The scenarios to begin with."""

    items = fields.List(fields.Nested(ScenarioTemplateSchema), required=True)
