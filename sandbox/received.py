"""The record of what people did to one bot: every update, also those that it does not take."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any

Update = dict[str, Any]

KEPT_RECEIVED = 50_000


@dataclass(slots=True, frozen=True)
class Received:
    """One thing that happened.

    Attributes:
        seq: Grows by one with each.
        update: The Update as it was queued; its `update_id` is None when it was not, because the
            bot does not take this type of update.
        time: Unix time in seconds.
    """

    seq: int
    update: Update
    time: float

    @property
    def kind(self) -> str:
        """The type of the update: "message", "edited_message", ..."""
        return next(name for name in self.update if name != "update_id")

    @property
    def chat_id(self) -> int | None:
        """Where it happened, None when the update does not tell."""
        content = self.update[self.kind]
        for part in (content, content.get("message") if isinstance(content, dict) else None):
            chat = part.get("chat") if isinstance(part, dict) else None
            if isinstance(chat, dict):
                return chat.get("id")
        return None


class Inbox:
    """The last 50 000 things that happened to one bot."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Update, float]] = deque(maxlen=KEPT_RECEIVED)
        self._last = 0

    def add(self, update: Update) -> None:
        """Write down an update."""
        self._last += 1
        self._kept.append((update, time.time()))

    def received(
        self, *, after: int = 0, limit: int | None = None, chat_id: int | None = None
    ) -> list[Received]:
        """Give what happened with `seq` above `after`, in one chat or all, oldest first."""
        oldest = self._last - len(self._kept) + 1
        first = max(after + 1, oldest)
        kept = enumerate(islice(self._kept, first - oldest, None), first)
        later = (Received(seq, update, when) for seq, (update, when) in kept)
        wanted = (one for one in later if chat_id is None or one.chat_id == chat_id)
        return list(islice(wanted, limit))
