"""Writes down what the sandbox sees of the processes."""

from __future__ import annotations

import time
from collections.abc import Mapping

from chaos.events import Answered, Delivered, EventLog, Forgotten, Polled
from sandbox import Call, Sandbox, SandboxBot


class Recorder:
    """Listens to bots of the sandbox.

    Args:
        processes: their names, by the address under which they call the sandbox.
    """

    def __init__(self, log: EventLog, processes: Mapping[str, str]) -> None:
        self._log = log
        self._processes = processes
        self._begun: dict[tuple[int, int], float] = {}

    def listen(self, bot: SandboxBot) -> None:
        """Write down each poll and answer of a bot, and what is forgotten of its updates."""
        bot.journal.on_call = lambda call: self._note(bot.id, call)
        bot.updates.on_forget = lambda updates: self._log.add(
            Forgotten(time.monotonic(), bot.id, tuple(updates))
        )

    def _note(self, bot: int, call: Call) -> None:
        now = time.monotonic()
        if call.status is None:
            self._begun[bot, call.seq] = now
            return
        begin = self._begun.pop((bot, call.seq), None)
        if begin is None:  # the run was over before
            return
        process = self._processes.get(call.host, call.host)
        if call.method == "getUpdates":
            offset = int(call.params.get("offset", 0))
            self._log.add(Polled(begin, now, bot, process, offset, call.status))
        elif call.method == "sendMessage" and call.carried_out:
            chat, text = int(call.params["chat_id"]), str(call.params["text"])
            self._log.add(Answered(begin, now, bot, chat, text, process))

    def unfinished(self, bots: Mapping[int, SandboxBot]) -> None:
        """Write down, at the end of a run, the polls that are still held."""
        now = time.monotonic()
        for bot in bots.values():
            for call in bot.journal.calls(method="getUpdates"):
                if (begin := self._begun.pop((bot.id, call.seq), None)) is not None:
                    process = self._processes.get(call.host, call.host)
                    self._log.add(Polled(begin, now, bot.id, process, 0, 200))

    def delivered(self, telegram: Sandbox) -> None:
        """Write down, at the end of a run, all messages of bots that the sandbox has."""
        now = time.monotonic()
        for bot in telegram.bots:
            for one in telegram.sent(bot.id):
                self._log.add(Delivered(now, bot.id, one.chat_id, one.message_id))
