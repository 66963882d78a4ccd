"""What happened in a run, as JSON lines; all times are monotonic seconds of one machine.

Bots are named by Telegram's id, processes by the name that the run gives them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

UNFINISHED = -1


@dataclass(frozen=True, slots=True)
class Injected:
    """A user wrote a message. Texts are numbers that grow within a chat."""

    at: float
    bot: int
    chat: int
    update: int
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A sendMessage reached Telegram and had its effect.

    Args:
        begin: when it arrived there.
        end: when its answer left, or its connection was gone.
    """

    begin: float
    end: float
    bot: int
    chat: int
    text: str
    process: str


@dataclass(frozen=True, slots=True)
class Polled:
    """A getUpdates. `status` is 0 when its connection was gone before its answer left."""

    begin: float
    end: float
    bot: int
    process: str
    offset: int
    status: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Telegram forgot updates that an offset confirmed."""

    at: float
    bot: int
    updates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Journaled:
    """An update was stored: its commit succeeded."""

    at: float
    bot: int
    update: int


@dataclass(frozen=True, slots=True)
class Requested:
    """A request of an owner.

    Args:
        wish: "on", "off", "token", "delete", "message", "add" (off), "draft" or "publish".
        process: which served it.
        status: of its answer; 0 for none, UNFINISHED when the run ended first.
    """

    begin: float
    end: float
    bot: int
    process: str
    wish: str
    status: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something was broken on purpose.

    Args:
        end: when it was mended: the process serves again, the connection forwards.
        kind: see `chaos.faults`.
        target: a process, or "postgresql", which is a fault of every process.
    """

    begin: float
    end: float
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A process's row in the database.

    Args:
        begin, end: commits that made and deleted it; `end` is infinite while it is there.
        session: the name of the process's database sessions.
        taken_over: whether another process deleted it.
    """

    begin: float
    end: float
    id: int
    name: str
    session: str
    taken_over: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A commit of a process for its bots: updates stored, or marked as handled.

    Args:
        at: its commit.
        session: the name of the database session.
    """

    at: float
    session: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in the history, at the end of a run.

    Args:
        id: of its row.
        state: "received" of what a person wrote; else that of a message that goes out.
        telegram: its id in the chat; None while Telegram has given it none.
    """

    at: float
    bot: int
    chat: int
    id: int
    state: str
    telegram: int | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message of a bot, as the sandbox has it at the end of a run.

    Args:
        telegram: its id in the chat.
    """

    at: float
    bot: int
    chat: int
    telegram: int


@dataclass(frozen=True, slots=True)
class Published:
    """A version of a bot's scenario, at the end of a run.

    Args:
        restarts: whether talks begin anew with it.
    """

    at: float
    bot: int
    n: int
    restarts: bool


@dataclass(frozen=True, slots=True)
class Stepped:
    """What the log of a talk has of an update, at the end of a run.

    Args:
        state, to: where the talk stood before, empty if it began, and after.
        before, count: how many messages it had counted before and after; None for no change.
        text: the message that it has saved; None for none.
    """

    at: float
    bot: int
    chat: int
    update: int
    version: int
    state: str
    to: str
    before: int | None
    count: int | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Stood:
    """Where a talk stands, at the end of a run; see `Stepped`."""

    at: float
    bot: int
    chat: int
    version: int
    state: str
    count: int | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Unhandled:
    """An update that is stored and not handled, at the end of a run."""

    at: float
    bot: int
    update: int


Event = (
    Injected
    | Answered
    | Polled
    | Forgotten
    | Journaled
    | Requested
    | Fault
    | Registered
    | Written
    | Kept
    | Delivered
    | Published
    | Stepped
    | Stood
    | Unhandled
)
KINDS: dict[str, type[Any]] = {kind.__name__.lower(): kind for kind in get_args(Event)}
E = TypeVar("E")


@dataclass
class History:
    """All events of a run.

    Args:
        end: when the run ended.
    """

    events: list[Event] = field(default_factory=list)
    end: float = float("inf")

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind, by their beginning."""
        found: list[Any] = [event for event in self.events if isinstance(event, kind)]
        return sorted(found, key=began)


def began(event: Any) -> float:
    """When an event was, or began."""
    at: float = event.begin if hasattr(event, "begin") else event.at
    return at


class EventLog:
    """Writes events to a file as they happen, and keeps them."""

    def __init__(self, file: Path) -> None:
        self.history = History()
        self._out = file.open("w")

    def add(self, event: Event) -> None:
        """Note an event."""
        self.history.events.append(event)
        line = {"event": type(event).__name__.lower(), **asdict(event)}
        self._out.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Finish the file."""
        self._out.close()


def read(lines: Iterable[str]) -> Iterator[Event]:
    """Read the events of a file again."""
    for line in lines:
        fields = json.loads(line)
        kind = KINDS[fields.pop("event")]
        if "updates" in fields:
            fields["updates"] = tuple(fields["updates"])
        yield kind(**fields)
