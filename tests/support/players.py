"""People who play events with a real bot; a simulation of the same events says what is right."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from dialogs.scenarios import REPEATED_TAP, Log, Scenario, Simulation, simulate
from dialogs.scenarios.addresses import read_address
from runner.scenarios.talks import first_visit
from sandbox import Sandbox, SandboxBot, Sent
from support.client import BOTS, DEADLINE, Client, until

Shown = dict[str, Any]


@dataclass
class Player:
    """A person in a chat with a bot.

    Args:
        scenario: what the bot runs.
        twice: whether they tap each button twice.
        repeats: how many messages may come twice in succession: one for each kill -9.

    Attributes:
        done: what they did, for the simulation, with the seconds since the event before it.
        queries: the ids of their taps, each with whether it was a second one.
        last_tap: the callback data of the last of them.
    """

    telegram: Sandbox
    bot: SandboxBot
    scenario: Scenario
    chat: int
    twice: bool = False
    repeats: int = 0
    done: list[Shown] = field(default_factory=list)
    queries: dict[str, bool] = field(default_factory=dict)
    last_tap: str = ""
    _moments: list[datetime] = field(default_factory=list)
    _first_visit: int | None = None

    # what people do

    def act(self, event: Any) -> None:
        """Do something with the real bot."""
        document: Shown = {"text": event} if isinstance(event, str) else dict(event)
        now = datetime.now(UTC)
        wait = (now - self._moments[-1]).total_seconds() if self._moments else 0.0
        self._moments.append(now)
        self.done.append({**document, "wait": max(0.0, wait)})
        if "tap" in document:
            self._tap(document["tap"], document.get("older", 0))
            return
        user = dict(document.get("user", {}))
        if "language" in user:
            user["language_code"] = user.pop("language")
        if "text" in document:
            text = document["text"]
            self._sent(
                self.telegram.send_message(self.bot.id, text=text, chat_id=self.chat, **user)
            )
        elif "contact" in document:
            contact = {"phone_number": document["contact"], "first_name": "Ann"}
            self._send("contact", contact=contact, **user)
        else:
            [kind] = document.keys() - {"user"}
            self._send(kind, data=b"a file", **user)

    def _send(self, kind: str, **content: Any) -> None:
        self._sent(self.telegram.send_content(self.bot.id, kind=kind, chat_id=self.chat, **content))

    def _sent(self, update: dict[str, Any]) -> None:
        if self._first_visit is None:
            self._first_visit = first_visit(self.chat, update["update_id"])

    def _tap(self, label: str, older: int) -> None:
        found = [
            (one.message_id, button["callback_data"])
            for one in reversed(self._messages())
            for row in _inline_rows(one)
            for button in row
            if button["text"] == label
        ]
        message_id, self.last_tap = found[older]
        for is_second in (False, True)[: 1 + self.twice]:
            update = self.telegram.press_button(
                self.bot.id, chat_id=self.chat, message_id=message_id, data=self.last_tap
            )
            self.queries[update["callback_query"]["id"]] = is_second

    async def play(self, event: Any, *, deadline: float = DEADLINE) -> None:
        """Do something, and wait until the chat shows what the simulation shows."""
        self.act(event)
        await self.sees_what_is_right(deadline)

    # what people see

    def _messages(self) -> list[Sent]:
        sent = self.telegram.sent(self.bot.id, chat_id=self.chat)
        return [one for one in sent if not one.method.startswith("edit")]

    def seen(self) -> list[Shown]:
        """The bot's messages as they are now."""
        return [self._shown(one) for one in self._messages()]

    def _shown(self, sent: Sent) -> Shown:
        message = sent.present.message or {}
        shown: Shown = {}
        if (text := sent.present_text) is not None:
            shown["text"] = text
        if entities := message.get("entities", message.get("caption_entities")):
            shown["entities"] = entities
        if "photo" in message:
            file = self.bot.files.by_id(message["photo"][-1]["file_id"])
            assert file is not None
            shown["photo"] = file.upload.data.decode()  # the sandbox keeps the address
        if rows := message.get("reply_markup", {}).get("inline_keyboard"):
            shown["buttons"] = rows
        if keys := (sent.reply_markup or {}).get("keyboard"):
            shown["keyboard"] = [[key["text"] for key in row] for row in keys]
        if "remove_keyboard" in (sent.reply_markup or {}):
            shown["remove_keyboard"] = True
        return shown

    def has_keyboard(self) -> bool:
        """Tell whether keys are still shown in place of the person's keyboard."""
        markups = [one.reply_markup or {} for one in self._messages()]
        last = [one for one in markups if {"keyboard", "remove_keyboard"} & one.keys()][-1:]
        return any("keyboard" in one for one in last)

    def simulated(self) -> Simulation:
        """What a simulation makes of the same events at the same times."""
        return simulate(self.scenario, self.done, now=self._moments[0])

    def expected(self) -> list[Shown]:
        """The bot's messages in the simulation."""
        return [
            {
                name: self._addressed(value) if name == "buttons" else value
                for name, value in one.items()
                if name != "from"
            }
            for one in self.simulated().transcript
            if one["from"] == "bot" and "answer" not in one
        ]

    def _addressed(self, rows: list[list[Shown]]) -> list[list[Shown]]:
        """Return buttons of a simulation as a real talk has them, which begins at another visit."""
        return [[self._of_this_talk(button) for button in row] for row in rows]

    def _of_this_talk(self, button: Shown) -> Shown:
        address = read_address(button.get("callback_data", ""))
        if address is None:
            return button
        visit = address.visit + (self._first_visit or 0)
        return button | {"callback_data": str(replace(address, visit=visit))}

    def _is_right(self, expected: list[Shown]) -> bool:
        if len(self._messages()) < len(expected):
            return False  # to tell it without much work
        seen = self.seen()
        if not self.repeats:
            return seen == expected
        return _without_repeats(seen) == _without_repeats(expected)

    async def sees_what_is_right(self, deadline: float = DEADLINE) -> None:
        """Wait until the chat shows what the simulation shows."""
        expected = self.expected()
        try:
            await until(lambda: self._is_right(expected), deadline=deadline)
        except AssertionError:
            assert self.seen() == expected, f"chat {self.chat}, after {self.done}"
            raise
        assert len(self.seen()) <= len(expected) + self.repeats, self.seen()

    # what was answered and stored

    async def each_tap_is_answered(self) -> None:
        """Wait until no button spins, and check what the taps were answered."""
        right: list[str] = []
        for one in self.simulated().transcript:
            if "tap" in one:
                right.append("")
            elif "answer" in one:
                right[-1] = one["answer"]
        await until(lambda: self._tap_answers().keys() >= self.queries.keys(), "answers to taps")
        answers = self._tap_answers()
        firsts = [answers[query] for query, again in self.queries.items() if not again]
        assert firsts == [[text] for text in right]
        assert all(answers[query] == [""] for query, again in self.queries.items() if again)

    def _tap_answers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for call in self.telegram.calls(self.bot.id, method="answerCallbackQuery"):
            if call.carried_out:
                query = str(call.params["callback_query_id"])
                found.setdefault(query, []).append(str(call.params.get("text", "")))
        return found

    async def is_stored_as_simulated(self, owner: Client, bot_id: int) -> None:
        """Wait until all is handled; compare state, variables and log with the simulation."""
        path = f"{BOTS}{bot_id}/conversations/{self.chat}.{self.chat}.0/"
        updates = len(self.done) + sum(self.queries.values())
        async with asyncio.timeout(DEADLINE):
            while True:
                log = (await owner.get(f"{path}log/?limit=200")).json["items"]
                if len(log) >= updates:
                    break
        simulation = self.simulated()
        stored = (await owner.get(path)).json
        assert stored["state"] == simulation.conversation.state
        variables = {name: one for name, one in stored["variables"].items() if one is not None}
        assert variables == simulation.variables
        steps = [step for entry in reversed(log) for step in entry["steps"]]
        taken = [one for one in steps if one["transition"] != REPEATED_TAP]
        assert taken == [_as_json(one) for one in simulation.log]
        assert len(steps) - len(taken) == sum(self.queries.values())
        assert len(log) == updates

    async def is_kept_as_simulated(self, owner: Client, bot_id: int) -> None:
        """Wait until all is sent; compare the history of the bot's messages with the simulation."""
        async with asyncio.timeout(DEADLINE):
            while "sending" in {one["state"] for one in await self._kept(owner, bot_id)}:
                pass
        kept = await self._kept(owner, bot_id)
        assert {one["state"] for one in kept} == {"sent"}
        assert [one["text"] for one in kept] == [one["text"] for one in self.expected()]

    async def _kept(self, owner: Client, bot_id: int) -> list[Shown]:
        path, after = f"{BOTS}{bot_id}/chats/{self.chat}/messages/?limit=200", ""
        items: list[Shown] = []
        while after is not None:
            page = (await owner.get(path + (after and f"&after={after}"))).json
            items, after = items + page["items"], page["next"]
        return [one for one in reversed(items) if one["direction"] == "out"]


def _as_json(step: Log) -> Shown:
    return step.to_json() | {"changed": {name: list(pair) for name, pair in step.changed.items()}}


def _inline_rows(sent: Sent) -> list[list[Shown]]:
    message = sent.present.message or {}
    rows: list[list[Shown]] = message.get("reply_markup", {}).get("inline_keyboard", [])
    return rows


def _without_repeats(shown: list[Shown]) -> list[Shown]:
    return [one for index, one in enumerate(shown) if index == 0 or one != shown[index - 1]]
