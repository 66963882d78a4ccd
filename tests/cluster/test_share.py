"""Shares of bots: claims and releases of processes that come, go and drain, in any order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from runner.cluster import share


class Shares(RuleBasedStateMachine):
    """Processes that balance as `runner.cluster.claimer` does, each when it likes."""

    @initialize(bots=st.integers(0, 2000), processes=st.integers(1, 6))
    def begin(self, bots: int, processes: int) -> None:
        """Start processes at once; nobody runs a bot yet."""
        self.free = set(range(bots))
        self.owned: dict[int, set[int]] = {number: set() for number in range(processes)}
        self.draining: set[int] = set()
        self.next_bot, self.next_process = bots, processes

    @property
    def wanted(self) -> int:
        """How many bots should run."""
        return len(self.free) + sum(map(len, self.owned.values()))

    @property
    def able(self) -> list[int]:
        """The processes that can run bots."""
        return [number for number in self.owned if number not in self.draining]

    def balance(self, number: int) -> set[int]:
        """Have a process look once; the bots that it gave away."""
        mine = self.owned[number]
        if number in self.draining and self.able:
            return self._give(mine, sorted(mine)[: share.STEP])
        fair = share.fair(self.wanted, len(self.able))
        if self.free and (limit := share.to_claim(len(mine), fair)):
            claimed = set(sorted(self.free)[:limit])
            self.free -= claimed
            mine |= claimed
        elif count := share.to_release(len(mine), fair):
            return self._give(mine, sorted(mine)[-count:])
        return set()

    def _give(self, mine: set[int], given: list[int]) -> set[int]:
        mine.difference_update(given)
        self.free.update(given)
        return set(given)

    @rule(data=st.data())
    def one_looks(self, data: st.DataObject) -> None:
        """One process balances."""
        self.balance(data.draw(st.sampled_from(sorted(self.owned))))

    @rule(process=st.booleans())
    def one_comes(self, process: bool) -> None:
        """A process starts, or an owner's bot through whoever serves the request."""
        if process:
            self.owned[self.next_process] = set()
            self.next_process += 1
        else:
            min(self.owned.items())[1].add(self.next_bot)
            self.next_bot += 1

    @rule(data=st.data())
    def one_dies(self, data: st.DataObject) -> None:
        """A process is taken over."""
        if len(self.owned) > 1:
            number = data.draw(st.sampled_from(sorted(self.owned)))
            self.free |= self.owned.pop(number)
            self.draining.discard(number)

    @rule(data=st.data())
    def one_drains(self, data: st.DataObject) -> None:
        """A process is about to end."""
        self.draining.add(data.draw(st.sampled_from(sorted(self.owned))))

    @rule(data=st.data())
    def nothing_happens_for_a_while(self, data: st.DataObject) -> None:
        """Everything is run, shares are fair, and then nothing moves any more."""
        moves: dict[int, int] = {}
        before, rounds = None, 0
        while before != (now := [sorted(bots) for bots in self.owned.values()]):
            before = now
            for number in data.draw(st.permutations(sorted(self.owned))):
                for bot in self.balance(number):
                    moves[bot] = moves.get(bot, 0) + 1
            rounds += 1
            assert rounds <= 10 + 2 * self.wanted // share.STEP, "it does not come to rest"
        assert not self.free, "each wanted bot is run"
        fair = share.fair(self.wanted, len(self.able))
        assert fair * max(1, len(self.able)) >= self.wanted, "the shares cover all bots"
        for number in self.able:
            assert len(self.owned[number]) <= fair * share.SLACK
        if self.able:
            assert not any(self.owned[number] for number in self.draining)
        assert all(count == 1 for count in moves.values()), "no bot moves twice"


TestShares = Shares.TestCase
TestShares.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
