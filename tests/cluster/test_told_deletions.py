"""Deletions are told to whoever watches at another server, also in the worst moment."""

from __future__ import annotations

from support.client import BOTS, Client, register, until
from support.ensemble import Ensemble, Two
from support.event_stream import streaming
from support.tcp_proxy import TcpProxy
from yarl import URL

from models.engine.doorbell import CHANNEL, Bell, read
from sandbox import Sandbox


async def test_a_deletion_is_told_also_if_nobody_is_known_to_watch(
    ensemble: Ensemble, two: Two
) -> None:
    async with await ensemble.connect("a server") as connection:
        await connection.set_autocommit(True)
        await connection.execute(f"LISTEN {CHANNEL}")
        await two.here.delete(two.path)
        async for notification in connection.notifies():
            bell, ids = read(notification.payload) or (None, [])
            if bell is Bell.DELETED:
                break
    assert ids[1:] == [two.here.user["pk"], two.made["id"]]


async def test_a_reader_whose_server_heard_nothing_begins_anew(
    ensemble: Ensemble, telegram: Sandbox
) -> None:
    direct = URL(ensemble.url)
    line = TcpProxy("127.0.0.1", direct.port or 0)
    await line.open()
    await ensemble.start("one")
    here = await register(Client(ensemble.http, ensemble.servers["one"].url))
    gone, stays = [await here.add_bot(telegram.add_bot(), active=False) for _ in range(2)]
    await ensemble.start("two", BOTYARD_DATABASE_URL=str(direct.with_port(line.port)))
    async with streaming(ensemble.through(here, "two")) as stream:
        line.black_hole()
        assert (await here.delete(f"{BOTS}{gone['id']}/")).status == 204
        line.cut()  # the bell is lost
        line.heal()
        await until(lambda: "reset" in [kind for kind, _ in stream.events], "the reset")

        def shown() -> set[int]:
            kinds = [kind for kind, _ in stream.events]
            after = stream.events[kinds.index("reset") + 1 :]
            return {data["id"] for _, data in after}

        await until(shown, "the bots")
        assert shown() == {stays["id"]}
    await line.close()
