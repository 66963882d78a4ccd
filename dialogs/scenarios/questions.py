"""How a talk goes on after an answer to its question."""

from __future__ import annotations

from dialogs.messages import Message
from dialogs.scenarios.addresses import Address
from dialogs.scenarios.answers import is_enough, read_answer
from dialogs.scenarios.asking import as_shown, wanted
from dialogs.scenarios.conversation import Value
from dialogs.scenarios.effects import Edit
from dialogs.scenarios.moves import STAY, move, perform
from dialogs.scenarios.run import Run, choose
from dialogs.scenarios.scenario import AskType, Question, State


def answer(run: Run, question: Question) -> None:
    """Take what a user sent as an answer, or ask for another one."""
    now = run.now.astimezone(run.scenario.zone)
    value = read_answer(question, run.event, now, run.language)
    if value is None:
        _retry(run, question)
    else:
        _accept(run, question, value)


def skip(run: Run, question: Question) -> None:
    """Go on without an answer."""
    _accept(run, question, None)


def tapped(run: Run, state: State, question: Question, address: Address) -> bool:
    """Go on after a tap on a button of a question; False if there is no such button."""
    if address.kind == "s" and question.may_skip:
        skip(run, question)
        return True
    if question.type is AskType.CHOICES and address.kind == "d":
        _finish(run, question)
        return True
    if address.kind not in {"o", "u"} or address.index >= len(question.options):
        return False
    if question.type is AskType.CHOICE:
        _accept(run, question, question.options[address.index].value)
    elif question.type is AskType.CHOICES:
        _pick(run, state, question, address)
    return True


def _accept(run: Run, question: Question, value: Value) -> None:
    if question.save:
        run.assign(question.save, value)
    perform(run, question.actions, question.pointer)


def _retry(run: Run, question: Question) -> None:
    progress = run.talk.progress
    progress["retries"] = progress.get("retries", 0) + 1
    if question.retries and progress["retries"] >= question.retries:
        branch = choose(run, question.gives_up)
        move(run, branch.to if branch else STAY, f"{question.pointer}/after_retries")
        return
    if question.retry:
        for one in question.retry:
            run.send(one.message, one.names, stays=True)
    else:
        run.send(Message(wanted(run, question)), stays=True)
    run.log(run.talk.state, "retry")


def _pick(run: Run, state: State, question: Question, address: Address) -> None:
    """Choose an option or undo that; the same tap twice does nothing more than once."""
    picked = set(run.talk.progress.get("picked", ()))
    changed = picked | {address.index} if address.kind == "o" else picked - {address.index}
    if changed != picked:
        run.talk.progress["picked"] = sorted(changed)
    # also if nothing has changed: such a button is shown only because an edit was lost
    for said in state.entry.say[-1:]:
        message = as_shown(run, question, said)
        names = {*said.names, *question.names}
        run.effects.append(Edit(message, {name: run.show(name) for name in names}))
    run.log(run.talk.state, "pick")


def _finish(run: Run, question: Question) -> None:
    picked: list[int] = run.talk.progress.get("picked", [])
    if is_enough(question, len(picked)):
        _accept(run, question, [str(question.options[index].value) for index in picked])
    else:
        _retry(run, question)
