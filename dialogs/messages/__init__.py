"""The one format of messages: from JSON over `Message` to calls of the Bot API."""

from dialogs.messages.content import Message
from dialogs.messages.editing import EditCode, NotEditable, edit_call, edit_calls
from dialogs.messages.problems import InvalidMessage, Problem, ProblemCode
from dialogs.messages.reading import parse, read_valid
from dialogs.messages.rendering import UPLOAD, Call, render
from dialogs.messages.schema import SCHEMA
from dialogs.messages.uploads import UsedUpload, uploads_of
from dialogs.messages.validation import validate
from dialogs.messages.variables import variable_names

__all__ = [
    "SCHEMA",
    "UPLOAD",
    "Call",
    "EditCode",
    "InvalidMessage",
    "Message",
    "NotEditable",
    "Problem",
    "ProblemCode",
    "UsedUpload",
    "edit_call",
    "edit_calls",
    "parse",
    "read_valid",
    "render",
    "uploads_of",
    "validate",
    "variable_names",
]
