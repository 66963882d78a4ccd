"""Leases and observers with clocks of different rates, in any weather."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.leases import FASTEST, TICK, Process, World, live, run_until_a_beat

# The longest time until a dead process is removed: it beat just before it died; its line is slow;
# and whoever looks at it has just begun to.
BURIED = 30.0


class Leases(RuleBasedStateMachine):
    """Some processes and all that can happen to them."""

    @initialize(
        clocks=st.lists(
            st.tuples(
                st.sampled_from([1.0, FASTEST, 1.1]),
                st.sampled_from([-1e6, 0.0, 1e6]),
                st.sampled_from([0.0, 0.5, 1.9]),
            ),
            min_size=2,
            max_size=4,
        )
    )
    def begin(self, clocks: list[tuple[float, float, float]]) -> None:
        """Start processes."""
        self.world = World()
        self.processes = [Process(self.world, *clock) for clock in clocks]

    @rule(seconds=st.sampled_from([0.25, 1.0, 2.0, 4.0, 4.5, 6.0, 8.0, 20.0]))
    def time_goes_on(self, seconds: float) -> None:
        """Let everybody do what is due."""
        live(self.world, self.processes, seconds)

    @rule(data=st.data())
    def one_freezes_or_wakes(self, data: st.DataObject) -> None:
        """SIGSTOP, SIGCONT."""
        process = data.draw(st.sampled_from(self.processes))
        process.is_frozen = not process.is_frozen

    @rule(data=st.data(), dies=st.booleans(), seconds=st.sampled_from([6.0, 8.0, 0.0]))
    def one_stops_just_after_a_beat(self, data: st.DataObject, dies: bool, seconds: float) -> None:
        """The worst moment: its lease is as long as it can be."""
        awake = [one for one in self.processes if not (one.is_dead or one.is_frozen)]
        if not awake:
            return
        process = data.draw(st.sampled_from(awake))
        run_until_a_beat(self.world, self.processes, process)
        process.is_frozen = True
        if dies and any(not one.is_dead for one in self.processes if one is not process):
            process.is_dead = True
        self.time_goes_on(seconds)

    @rule(data=st.data())
    def one_is_cut_off_or_reconnected(self, data: st.DataObject) -> None:
        """Its line to the database breaks, or is mended."""
        process = data.draw(st.sampled_from(self.processes))
        process.is_cut_off = not process.is_cut_off

    @rule(data=st.data())
    def one_gets_no_answers(self, data: st.DataObject) -> None:
        """Its beats are stored, but it does not learn of it; or again."""
        process = data.draw(st.sampled_from(self.processes))
        process.loses_answers = not process.loses_answers

    @rule(data=st.data(), latency=st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.9]))
    def a_line_is_slow(self, data: st.DataObject, latency: float) -> None:
        """Each way takes so long."""
        data.draw(st.sampled_from(self.processes)).latency = latency

    @rule(data=st.data())
    def one_dies(self, data: st.DataObject) -> None:
        """kill -9, of all but the last."""
        alive = [process for process in self.processes if not process.is_dead]
        if len(alive) > 1:
            data.draw(st.sampled_from(alive)).is_dead = True

    @rule()
    def the_database_goes_or_comes(self) -> None:
        """An outage begins or ends."""
        world = self.world
        if not world.is_up:
            world.last_outage = world.time - world.changed_at
        world.changed_at, world.is_up = world.time, not world.is_up

    @rule()
    def all_is_well_again(self) -> None:
        """In the end the dead are taken over and nobody else is."""
        for process in self.processes:
            process.is_frozen = process.is_cut_off = process.loses_answers = False
            process.latency = 0.0
        if not self.world.is_up:
            self.the_database_goes_or_comes()
        self.time_goes_on(BURIED)
        alive = {process.id for process in self.processes if not process.is_dead}
        assert self.world.rows.keys() == alive
        self.time_goes_on(BURIED)
        assert alive == {process.id for process in self.processes if not process.is_dead}
        assert all(process.lease.is_valid() for process in self.processes if not process.is_dead)

    @invariant()
    def who_trusts_its_lease_has_a_row(self) -> None:
        """Whoever trusts its lease has a row."""
        for process in getattr(self, "processes", []):
            if process.lease.is_valid() and not process.is_dead:
                assert process.id in self.world.rows


TestLeases = Leases.TestCase
TestLeases.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize("rate", [1.0, 1.1, FASTEST])
@pytest.mark.parametrize("latency", [0.0, 0.3, 1.0, 1.9])
@pytest.mark.parametrize("ahead", range(16))
def test_a_lease_ends_before_the_fastest_clock_takes_over(
    rate: float, latency: float, ahead: int
) -> None:
    world = World()
    frozen = Process(world, 1.0, 0.0, latency)
    live(world, [frozen], ahead * TICK)  # so that they beat at different moments
    observer = Process(world, rate, 1e6)
    live(world, [frozen, observer], 3.0)
    run_until_a_beat(world, [frozen, observer], frozen)
    frozen.is_frozen = frozen.is_cut_off = True  # the next beat does not arrive either
    live(world, [frozen, observer], 9.0)
    assert world.rows.keys() == {observer.id}, "the frozen one is taken over"
    frozen.is_frozen = frozen.is_cut_off = False
    live(world, [frozen, observer], 9.0)
    assert world.rows.keys() == {frozen.id, observer.id}, "it begins anew"
