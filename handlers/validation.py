"""Errors of validation as they are answered."""

from __future__ import annotations

from marshmallow import ValidationError

from handlers.errors import FieldErrors


def field_errors(error: ValidationError) -> FieldErrors:
    """Return the sentences by field; those about no single field are in `non_field_errors`."""
    messages: dict[str, list[str]] = error.normalized_messages()  # type: ignore[no-untyped-call]
    return {
        "non_field_errors" if field == "_schema" else str(field): [str(text) for text in texts]
        for field, texts in messages.items()
    }
