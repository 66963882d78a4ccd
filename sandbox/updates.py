"""The queue of updates of one bot, and the long poll that waits at it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from sandbox.errors import SandboxError
from sandbox.poll_rules import PollRules
from sandbox.received import Inbox
from sandbox.waits import Wait

Update = dict[str, Any]

KINDS = frozenset(
    (
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "message_reaction",
        "message_reaction_count",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_member",
        "chat_join_request",
        "chat_boost",
        "removed_chat_boost",
    )
)
# Telegram sends these three only to bots that ask for them by name.
DEFAULT_KINDS = KINDS - {"chat_member", "message_reaction", "message_reaction_count"}

MAX_TIMEOUT = 50
# An offset further ahead of the newest update is not valid (tdlib, TQueue.cpp, `do_get`).
MAX_AHEAD = 10
OTHER_POLL = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)


class Poll(Wait):
    """One getUpdates request that is held open until an update comes.

    Args:
        offset: What it confirms, once more when it ends.
        limit: The most updates it takes.
        seconds: How long it waits for the first one.
    """

    __slots__ = ("limit", "offset")

    def __init__(self, *, offset: int, limit: int, seconds: float) -> None:
        super().__init__(seconds=seconds)
        self.offset = offset
        self.limit = limit


class UpdateQueue:
    """Updates of one bot, kept until getUpdates confirms them with a higher offset.

    Args:
        first_id: `update_id` of the first update.
        rules: Against programs that poll too often, or two at once.

    Attributes:
        inbox: The record of all updates, also of those that were not queued.
        on_forget: Called with the ids of updates that were confirmed or dropped.

    Source: https://core.telegram.org/bots/api#getupdates, and `do_get_updates` in Client.cpp of
    https://github.com/tdlib/telegram-bot-api for what two polls do to each other.
    """

    def __init__(self, *, first_id: int, rules: PollRules) -> None:
        self._updates: deque[Update] = deque()
        self._next_id = first_id
        self._poll: Poll | None = None
        self.confirmed = 0
        self.inbox = Inbox()
        self.rules = rules
        self.on_forget: Callable[[list[int]], None] | None = None
        self.allowed: frozenset[str] = DEFAULT_KINDS

    def __len__(self) -> int:
        return len(self._updates)

    @property
    def polling(self) -> bool:
        """Whether a getUpdates request is held open right now."""
        return self._poll is not None and not self._poll.over

    def allow(self, kinds: Iterable[str]) -> None:
        """Remember `allowed_updates`: unknown names are ignored, an empty list is the default."""
        self.allowed = frozenset(kinds) & KINDS or DEFAULT_KINDS

    def push(self, kind: str, content: Any) -> Update:
        """Queue an update and wake the poll.

        Args:
            kind: The update's type, such as "message". One that is not known here is always
                queued, as `allowed_updates` cannot name it.
            content: The object of that type.

        Returns:
            The update. Its `update_id` is None when the bot does not allow this type: then it is
            not queued.
        """
        update: Update = {"update_id": None, kind: content}
        self.inbox.add(update)
        if kind in KINDS and kind not in self.allowed:
            return update
        update["update_id"] = self._next_id
        self._next_id += 1
        self._updates.append(update)
        if self._poll is not None:
            self._poll.wake()
        return update

    def confirm(self, offset: int) -> None:
        """Forget what an offset confirms: everything below it, or all but the last `-offset`.

        One that is too far ahead is not valid, and confirms nothing.
        """
        if offset < 0:
            offset = max(self._next_id + offset, self._next_id - len(self._updates))
        if offset > self._next_id + MAX_AHEAD:
            return
        forgotten = []
        while self._updates and self._updates[0]["update_id"] < offset:
            forgotten.append(self._updates.popleft()["update_id"])
        self.confirmed = max(self.confirmed, offset)
        if forgotten and self.on_forget is not None:
            self.on_forget(forgotten)

    def drop_all(self) -> None:
        """Forget every pending update (`drop_pending_updates`)."""
        self.confirm(self._next_id)

    def first(self, limit: int) -> list[Update]:
        """Give the oldest pending updates, `limit` at most; they stay pending."""
        return list(islice(self._updates, limit))

    def poll(self, *, offset: int, limit: int, timeout: int) -> list[Update] | Poll:
        """Begin a getUpdates request.

        One that finds nothing and is held ends an older one that is held, with 409. One that finds
        updates, or does not wait, leaves the older one alone.

        Args:
            offset: See `confirm`; 0 confirms nothing.
            limit: 1 to 100.
            timeout: Seconds to wait for an update; over 50 is taken as 50.

        Returns:
            The updates, or a poll to be given to `answer` when there are none yet.
        """
        limit, timeout = self.rules.slow_down(offset=offset, limit=limit, timeout=timeout)
        if offset:
            self.confirm(offset)
        if self._updates or timeout <= 0:
            return self.first(limit)
        self.end_with_conflict(OTHER_POLL)
        self._poll = Poll(offset=offset, limit=limit, seconds=min(timeout, MAX_TIMEOUT))
        return self._poll

    def result(self, poll: Poll) -> list[Update]:
        """Give the updates of a poll that was woken."""
        if poll.offset > 0:
            self.confirm(poll.offset)
        return self.first(poll.limit)

    def close(self, poll: Poll) -> None:
        """Forget a poll that is over."""
        if self._poll is poll:
            self._poll = None

    def end_with_conflict(self, description: str) -> None:
        """Make the held poll, if there is one, fail with 409."""
        if self.polling:
            self.end_poll(self.rules.conflict(description))

    def end_poll(self, error: SandboxError) -> bool:
        """Make the held poll fail; says whether there was one."""
        poll, self._poll = self._poll, None
        if poll is None or poll.over:
            return False
        poll.end(error)
        return True
