"""How a talk gets from state to state."""

from __future__ import annotations

from dialogs.scenarios.asking import say_state
from dialogs.scenarios.conversation import MAX_STACK
from dialogs.scenarios.run import Run, choose
from dialogs.scenarios.scenario import Actions, State, first_values

START, BACK, AGAIN, STAY = "@start", "@back", "@again", "@stay"
_KEPT = ("keyboard", "tap")  # notes that outlive a state


def perform(run: Run, actions: Actions, pointer: str) -> None:
    """Do the actions of what was taken, and follow its way.

    Args:
        pointer: what was taken, for the log.
    """
    run.do(actions)
    run.say(actions.say)
    if actions.end:
        end(run, pointer)
        return
    branch = choose(run, actions.way)
    move(run, branch.to if branch else STAY, pointer)


def move(run: Run, target: str, pointer: str) -> None:
    """Move a talk to a target, and on to a state that waits or the end.

    Raises:
        TooMuch: it does not arrive.
    """
    while target:
        run.count()
        origin = run.state
        if target == STAY:
            run.log(run.talk.state, pointer)
            return
        if target == AGAIN and origin:
            say_state(run, origin)
            run.log(origin.name, pointer)
            return
        state = _destination(run, target, origin)
        left = run.talk.state
        _enter(run, state)
        run.log(left, pointer)
        if state.waits:
            return
        if state.entry.end:
            end(run, f"/states/{state.name}/end")
            return
        branch = choose(run, state.entry.way)
        target, pointer = (branch.to, branch.pointer) if branch else ("", "")


def begin_anew(run: Run) -> None:
    """Give the variables their first values, and forget where the talk was."""
    first = first_values(run.scenario, run.talk.variables)
    run.talk.stack.clear()
    if first == run.talk.variables:
        return
    for name in run.talk.variables.keys() - first.keys():
        run.assign(name, None)
    for name, value in first.items():
        run.assign(name, value)
    run.talk.variables = {name: run.talk.variables.get(name) for name in first}


def end(run: Run, pointer: str) -> None:
    """End a talk; its variables stay until it begins anew."""
    left, run.talk.state = run.talk.state, ""
    run.talk.stack.clear()
    _clear_progress(run)
    run.log(left, pointer)


def _destination(run: Run, target: str, origin: State | None) -> State:
    """Return the state that a target means, and keep the way back."""
    states, stack = run.scenario.states, run.talk.stack
    if target in {START, AGAIN}:
        begin_anew(run)
        return states[run.scenario.start]
    if target == BACK:
        while stack:
            if state := states.get(stack.pop()):
                return state
        return states[run.scenario.start]
    if target in stack:  # a way around leads back to it
        del stack[stack.index(target) :]
    elif origin and origin.waits and origin.name != target:
        stack.append(origin.name)
        del stack[:-MAX_STACK]
    return states[target]


def _enter(run: Run, state: State) -> None:
    run.talk.state = state.name
    run.talk.visit += 1
    _clear_progress(run)
    run.do(state.entry)
    say_state(run, state)


def _clear_progress(run: Run) -> None:
    progress = run.talk.progress
    run.talk.progress = {name: progress[name] for name in _KEPT if name in progress}
