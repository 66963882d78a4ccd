"""Scenarios that one server publishes for bots that another one runs."""

from __future__ import annotations

import signal
from time import monotonic

from support.client import DEADLINE, Client, register, until
from support.counting import CountingTalk
from support.ensemble import Ensemble, Two
from support.talks import CAT, CHAT, EARS, IS_BREAD, SQUARE, Talker
from support.tcp_proxy import TcpProxy
from yarl import URL

from dialogs.scenarios import template
from sandbox import Sandbox


async def test_a_publish_takes_effect_in_every_server(
    ensemble: Ensemble, two: Two, telegram: Sandbox
) -> None:
    talk = Talker(two.there, telegram, two.bot, two.made["id"])
    assert await talk.says("да") == ["да"]
    await talk.publish(template(CAT))
    published = monotonic()

    async def answer() -> str:
        [text] = await talk.says("эй")
        return text

    while await answer() != SQUARE:
        assert monotonic() - published < DEADLINE
    assert await talk.says("да") == [EARS]
    # the state is on the disk: it is there for whoever runs the bot next
    await ensemble.servers["one"].end(signal.SIGTERM)
    assert await talk.says("нет") == [IS_BREAD]
    assert await talk.says("/start") == [SQUARE]


async def test_a_person_who_is_forgotten_elsewhere_begins_anew(two: Two, telegram: Sandbox) -> None:
    talk = Talker(two.here, telegram, two.bot, two.made["id"])
    await talk.publish(template(CAT))
    await talk.says("/start")
    assert await talk.says("да") == [EARS]
    assert (await two.there.delete(f"{two.path}chats/{CHAT}/")).status == 204

    async def begins_anew() -> bool:
        [text] = await talk.says("э-э")
        return text == SQUARE

    deadline = monotonic() + DEADLINE
    while not await begins_anew():
        assert monotonic() < deadline
    await until(lambda: talk.texts()[-1] == SQUARE)


async def test_a_server_that_did_not_hear_of_a_deleted_talk_forgets_it_when_it_hears_again(
    ensemble: Ensemble, telegram: Sandbox
) -> None:
    direct = URL(ensemble.url)
    line = TcpProxy("127.0.0.1", direct.port or 0)
    await line.open()
    await ensemble.start("one", BOTYARD_DATABASE_URL=str(direct.with_port(line.port)))
    owner = await register(Client(ensemble.http, ensemble.servers["one"].url))
    bot = telegram.add_bot()
    talk = Talker(owner, telegram, bot, (await owner.add_bot(bot))["id"])
    await ensemble.start("two")
    await talk.publish(template(CAT))
    await talk.says("/start")
    assert await talk.says("да") == [EARS]
    assert await ensemble.owner_of(talk.bot_id) == "one"
    line.black_hole()
    path = f"{talk.path.removesuffix('scenario/')}conversations/{CHAT}.{CHAT}.0/"
    assert (await ensemble.through(owner, "two").delete(path)).status == 204
    line.cut()  # the bell is lost
    line.heal()
    deadline = monotonic() + DEADLINE
    while await talk.says("э-э") != [SQUARE]:
        assert monotonic() < deadline
    assert await ensemble.owner_of(talk.bot_id) == "one"
    await line.close()


async def test_publishes_elsewhere_lose_no_message_while_people_write(
    two: Two, telegram: Sandbox
) -> None:
    people = CountingTalk(talk := Talker(two.there, telegram, two.bot, two.made["id"]))
    await people.publish()
    while await talk.says("1", chat=99) == ["1"]:  # until the other server knows the first one
        pass
    async with people.writing():
        for restart in (False, True, False):
            await people.go_on(2)
            await people.publish(restart=restart)
        await people.go_on(2)
    people.check(late=5.0)
