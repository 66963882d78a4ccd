"""The one format of messages: from JSON over `Message` to calls of the Bot API."""

from dialogs.messages.content import Message
from dialogs.messages.editing import EditCode, NotEditable, edit_call, edit_calls
from dialogs.messages.problems import InvalidMessage, Problem, ProblemCode
from dialogs.messages.reading import parse, read_valid
from dialogs.messages.rendering import Call, render
from dialogs.messages.schema import SCHEMA
from dialogs.messages.validation import validate
from dialogs.messages.variables import variable_names

__all__ = [
    "SCHEMA",
    "Call",
    "EditCode",
    "InvalidMessage",
    "Message",
    "NotEditable",
    "Problem",
    "ProblemCode",
    "edit_call",
    "edit_calls",
    "parse",
    "read_valid",
    "render",
    "validate",
    "variable_names",
]
