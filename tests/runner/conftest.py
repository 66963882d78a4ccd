"""What the tests of the runner share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.client import Client
from support.office import Office
from support.writers import writer_of

from sandbox import Sandbox
from server.app import Botyard


@pytest.fixture
async def office(botyard: Botyard, ann: Client, telegram: Sandbox) -> AsyncIterator[Office]:
    """An outbox; its runs end with the test."""
    made = await ann.add_bot(telegram.add_bot(), active=False)
    await writer_of(botyard, made["id"])
    office = Office(botyard, made["id"])
    yield office
    for outbox in office.opened:
        await office.end(outbox)
