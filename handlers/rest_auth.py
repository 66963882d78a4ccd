"""The base of all resources under /rest-auth/, which are compatible with dj-rest-auth."""

from __future__ import annotations

from handlers.base import ApiHandler
from handlers.errors import ApiError, FieldErrors


class RestAuthHandler(ApiHandler):
    """A resource that accepts forms in addition to JSON, and shows field errors as DRF does.

    docs/rest-auth.md lists the similarities to dj-rest-auth and the differences.
    """

    accepts_forms = True

    def extra_members(self, error: ApiError) -> FieldErrors:
        """Return the sentences by field as additional members, as in answers of DRF."""
        return error.errors or {}
