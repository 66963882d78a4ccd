"""Effects of an update: messages to send, and rows to store together with "handled"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One call of the Bot API that sends a message, or the messages of an album.

    Args:
        chat_id: the chat.
        method: the method, such as sendMessage.
        parameters: its parameters as JSON, with the chat.
        size: the number of messages of Telegram that the call makes.
        typing: seconds for which the bot shows that it is typing before.
        text: its text or caption; None if it has none.
    """

    chat_id: int
    method: str
    parameters: bytes
    size: int = 1
    typing: int = 0
    text: str | None = None


class TalkKey(NamedTuple):
    """Whose talk it is: of a user in a chat, and in a topic of it; 0 outside of topics."""

    chat_id: int
    user_id: int
    topic_id: int


Taken = tuple[str, str, str]  # state, transition, next state


@dataclass(frozen=True, slots=True)
class Talk:
    """Where a talk stands.

    Args:
        version: of the scenario that it is in.
        state: `dialogs.scenarios.Conversation` as JSON.
        steps: how it came there as JSON, for its log; empty for nothing.
        taken: the same steps, for the statistics: state, transition and next state of each.
        tags: what the user gets (True) and loses (False), by tag.
        is_new: True if there was none before. One that was there and is gone was deleted meanwhile,
            maybe because its person is to be forgotten, and is not stored again.
        memory: the memory of talks that it was taken from; see `runner.scenarios.talks`.
        wordless: `steps` without what was said, for a bot that keeps no history.
    """

    key: TalkKey
    version: int
    state: bytes
    steps: bytes = b""
    taken: tuple[Taken, ...] = ()
    tags: Mapping[str, bool] = field(default_factory=dict)
    is_new: bool = False
    memory: int = 0
    wordless: bytes = b""


@dataclass(slots=True)
class Effects:
    """The effects of one update. A handler collects them; they take effect after it has ended.

    Args:
        messages: the messages to send, in order.
        blocked: True if the update's chat refuses messages from now on, False if it no longer
            does; None for no change.
        talk: where the talk stands after the update; None for no change.
        moved_to: the chat that the update's chat, a group, has become; None for no change.
        calls: calls of the Bot API that are made once, after the commit, and that have no rows.
    """

    messages: list[OutgoingMessage] = field(default_factory=list)
    blocked: bool | None = None
    talk: Talk | None = None
    moved_to: int | None = None
    calls: list[OutgoingMessage] = field(default_factory=list)
