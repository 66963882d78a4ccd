"""Processes with leases and observers, and a database, lines and clocks that do as they are told.

Each process beats, observes and takes over as `runner.cluster.membership` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.cluster.lease import Lease
from runner.cluster.observer import Observer
from runner.settings import ClusterTuning

TUNING = ClusterTuning()
TICK = 0.0625  # seconds
FASTEST = 1.2  # seconds of a fast clock while a true one counts one


@dataclass
class Row:
    """A process as the database knows it."""

    id: int
    beat: int = 0


@dataclass
class World:
    """The database, and the time that nobody knows."""

    time: float = 0.0
    is_up: bool = True
    changed_at: float = 0.0  # when the database went or came
    last_outage: float = 0.0  # how long it took
    rows: dict[int, Row] = field(default_factory=dict)
    last_id: int = 0

    def register(self) -> int:
        """Make a row; its id."""
        self.last_id += 1
        self.rows[self.last_id] = Row(self.last_id)
        return self.last_id


@dataclass
class Beat:
    """A heartbeat under way."""

    began: float  # by the process's clock
    due: float  # when it reaches the database, and then when the answer is back
    is_stored: bool = False
    seen: list[Row] | None = None  # the answer; None if the process has no row


@dataclass
class Process:
    """A process with a clock of its own.

    Args:
        rate: seconds of its clock in a true second.
        offset: what its clock shows at the beginning.
    """

    world: World
    rate: float
    offset: float
    latency: float = 0.0  # seconds of a line, each way
    is_frozen: bool = False
    is_dead: bool = False
    is_cut_off: bool = False
    loses_answers: bool = False
    id: int = 0
    due: float = 0.0
    beat: Beat | None = None
    takeovers: list[tuple[float, int, int]] = field(default_factory=list)  # when, whose, beat

    def __post_init__(self) -> None:
        self.lease = Lease(TUNING.trust, clock=self.clock)
        self.observer = Observer(patience=TUNING.patience, blind=TUNING.blind)
        self.register()

    def clock(self) -> float:
        """What its clock shows."""
        return self.offset + self.rate * self.world.time

    def register(self) -> None:
        """Begin, or begin anew."""
        began = self.lease.now()
        self.id = self.world.register()
        self.lease.renew(began)
        self.due = self.clock()

    @property
    def is_connected(self) -> bool:
        """True while its statements reach the database."""
        return self.world.is_up and not self.is_cut_off

    def act(self) -> None:
        """Do what is due, as far as it is able to."""
        if self.beat is not None and not self.beat.is_stored:
            self._arrive(self.beat)  # also that of a process that is frozen or dead by now
        if self.is_dead or self.is_frozen:
            return
        if self.beat is not None and self.beat.is_stored and self.world.time >= self.beat.due:
            beat, self.beat = self.beat, None
            self._answered(beat)
        if self.beat is None and self.clock() >= self.due:
            self.due = self.clock() + TUNING.beat
            self.beat = Beat(self.lease.now(), self.world.time + self.latency)

    def _arrive(self, beat: Beat) -> None:
        if self.world.time < beat.due:
            return
        if not self.is_connected:
            if not self.is_frozen and not self.is_dead:
                self.beat = None  # failed; the next one is due in a second
            return
        beat.is_stored, beat.due = True, self.world.time + self.latency
        if (row := self.world.rows.get(self.id)) is not None:
            row.beat += 1
            beat.seen = [Row(one.id, one.beat) for one in self.world.rows.values()]

    def _answered(self, beat: Beat) -> None:
        if not self.is_connected or self.loses_answers:
            return
        if beat.seen is None:
            self.lease.end()
            self.register()
            return
        self.lease.renew(beat.began)
        self.observer.look(beat.seen, now=self.clock())
        waiting = {process_id for _, process_id, _ in self.takeovers}
        for process_id, seen in self.observer.dead(now=self.clock()):
            if process_id != self.id and process_id not in waiting:
                self._check_outage()
                self.takeovers.append((self.world.time + self.latency, process_id, seen))

    def _check_outage(self) -> None:
        """Nobody is found dead for what happened in an outage that nobody could see through."""
        world = self.world
        if world.last_outage * self.rate > TUNING.blind:
            assert (world.time - world.changed_at) * self.rate >= TUNING.patience

    def due_takeovers(self) -> list[tuple[int, int]]:
        """The deletions that reach the database now, even if who sent them is dead by now."""
        if not self.is_connected:
            return []
        due = [(number, seen) for at, number, seen in self.takeovers if at <= self.world.time]
        self.takeovers = [one for one in self.takeovers if one[0] > self.world.time]
        return due


def live(world: World, processes: list[Process], seconds: float) -> None:
    """Let everybody do what is due, and check that nobody is taken over whose lease is valid."""
    for _ in range(round(seconds / TICK)):
        world.time += TICK
        for process in processes:
            process.act()
            for number, beat in process.due_takeovers():
                _take_over(world, processes, number, beat)


def _take_over(world: World, processes: list[Process], number: int, beat: int) -> None:
    row = world.rows.get(number)
    if row is None or row.beat != beat:
        return
    for victim in processes:
        if victim.id == number:
            assert not victim.lease.is_valid(), "its lease has not ended yet"
    del world.rows[number]


def run_until_a_beat(world: World, processes: list[Process], process: Process) -> None:
    """Stop just after a process has renewed its lease: it is as long as it can be."""
    before = process.lease.now() + process.lease.left
    for _ in range(round(6 / TICK)):
        live(world, processes, TICK)
        if process.lease.now() + process.lease.left > before + TICK / 2:  # more than rounding
            return
