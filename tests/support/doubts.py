"""Commits that are carried out and reported as failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.errors import StorageUnavailable
from server.app import Botyard


def lose_one_answer(
    botyard: Botyard,
    monkeypatch: pytest.MonkeyPatch,
    writing: str,
    is_lost: Callable[..., bool],
) -> list[str]:
    """Carry out one commit and report it as failed, as when the connection is lost during it.

    Args:
        writing: the method of the database that writes.
        is_lost: takes what that is called with, and tells whether it is the one.

    Returns:
        What has been reported: empty before that.
    """
    write, reported = getattr(botyard.services.db, writing), []

    async def unsure(*args: Any, **options: Any) -> Any:
        result = await write(*args, **options)
        if not reported and is_lost(*args):
            reported.append("the connection was lost at COMMIT")
            raise StorageUnavailable(reported[0])
        return result

    monkeypatch.setattr(botyard.services.db, writing, unsure)
    return reported
