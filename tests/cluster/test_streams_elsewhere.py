"""Live events of bots that another server runs, for readers that come, go and come back."""

from __future__ import annotations

from support.client import until
from support.ensemble import Two
from support.event_stream import streaming


async def test_a_state_that_nobody_has_read_is_told_to_who_resumes(two: Two) -> None:
    async with streaming(two.there) as before:
        await two.here.patch(two.path, {"active": False})
        await until(lambda: before.states()[-1] == "stopped", "the end of the bot")
    await two.here.patch(two.path, {"active": True})
    async with streaming(two.there, last_id=before.last_id) as stream:
        await until(lambda: "running" in stream.states(), "the start of the bot")
        assert "reset" not in stream.kinds()
