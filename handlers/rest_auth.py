"""The base of everything under /rest-auth/, where frontends of dj-rest-auth find what they know."""

from __future__ import annotations

from handlers.base import ApiHandler
from handlers.errors import ApiError, FieldErrors


class RestAuthHandler(ApiHandler):
    """A resource that accepts forms beside JSON, and shows field errors where DRF does.

    docs/rest-auth.md lists what is the same as in dj-rest-auth and what is not.
    """

    accepts_forms = True

    def extra_members(self, error: ApiError) -> FieldErrors:
        """Repeat the sentences by field as members of their own, as DRF answers them."""
        return error.errors or {}
