"""The bodies of servers."""

from __future__ import annotations

from marshmallow import Schema, fields

from handlers.schemas.common import Moment


class ProcessSchema(Schema):
    """A server of this installation."""

    id = fields.Integer(
        required=True,
        metadata={"description": "A new one at each start, and after it was declared dead."},
    )
    name = fields.String(
        required=True, metadata={"description": "As the operator calls it; BOTYARD_PROCESS_NAME."}
    )
    version = fields.String(required=True)
    draining = fields.Boolean(
        required=True,
        metadata={"description": "It is about to end, and gives its bots to others."},
    )
    reaches_telegram = fields.Boolean(
        required=True,
        metadata={
            "description": "false: no call has reached Telegram for some time, and others run its "
            "bots meanwhile. A server that is alone is always true: see the states of its bots."
        },
    )
    cpu = fields.Float(
        required=True,
        data_key="load",  # a schema has a method of this name
        attribute="load",
        metadata={"description": "The part of a core that it uses."},
    )
    started_at = Moment(required=True)
    bots = fields.Integer(required=True, metadata={"description": "How many bots it runs."})
    silent_seconds = fields.Float(
        required=True,
        metadata={
            "description": "Since the server that answers has last seen a heartbeat of this one. "
            "After 5 seconds others take its bots over."
        },
    )
    is_this = fields.Boolean(
        required=True, metadata={"description": "It is the server that answers."}
    )


class ProcessesSchema(Schema):
    """All servers."""

    items = fields.List(fields.Nested(ProcessSchema), required=True)
