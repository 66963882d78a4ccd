"""One step of a talk: from an event to where the talk stands then, and what is to be done."""

from __future__ import annotations

from datetime import datetime

from dialogs.messages import Message
from dialogs.messages.variables import VARIABLE
from dialogs.scenarios.addresses import Address, read_address
from dialogs.scenarios.answers import find_option
from dialogs.scenarios.budget import LIMITS, TooMuch, Use
from dialogs.scenarios.conversation import Conversation
from dialogs.scenarios.effects import REPEATED_TAP, Answer, Effect, Failure, Send
from dialogs.scenarios.events import Event, EventKind
from dialogs.scenarios.matching import find, find_else
from dialogs.scenarios.moves import AGAIN, BACK, START, begin_anew, end, move, perform
from dialogs.scenarios.normalizing import normalize
from dialogs.scenarios.questions import answer, skip, tapped
from dialogs.scenarios.run import Run
from dialogs.scenarios.scenario import Scenario, State, Transition

MAX_ANSWER = 200  # characters: https://core.telegram.org/bots/api#answercallbackquery
DOUBLE_TAP = 3.0  # seconds in which the same tap again is not meant


def step(
    scenario: Scenario, conversation: Conversation | None, event: Event, now: datetime
) -> tuple[Conversation, list[Effect]]:
    """Move a talk on by one event.

    It has no side effects, and the same arguments always have the same result.

    Args:
        conversation: where the talk stands; None for a new one.
        now: the time of the event, with a time zone.

    Returns:
        Where the talk stands then, and what is to be done, in order.
    """
    before = conversation or Conversation(scenario.version)
    run = Run(scenario, before, event, now)
    try:
        if event.kind is EventKind.TAP:
            text = _tap(run)
            run.effects.insert(0, Answer(text))
        elif (state := run.state) and state.waits:
            _respond(run, state)
        else:
            _awaken(run)
    except TooMuch as error:
        return before, _failure(run, error.what)
    return run.conversation(), run.effects


def _failure(run: Run, what: Use) -> list[Effect]:
    """Return what is done when an event has too many consequences."""
    limit = f"{LIMITS[what]:,}"
    did = {
        Use.STEPS: f"went on {limit} times without waiting",
        Use.MESSAGES: f"said {limit} messages without waiting",
        Use.VALUES: f"looked at {limit} values, where a long one counts several times",
        Use.CHARACTERS: f"said {limit} characters without waiting",
        Use.SIGNS: f"said texts with {limit} line breaks and signs of Markdown without waiting",
    }[what]
    sentence = (
        f'After one message of a user the dialog {did}, at last in state "{run.talk.state}". Let '
        "it wait for an answer before that."
    )
    failed = Failure(f"too_many_{what}", run.talk.state, sentence)
    polite = Run(run.scenario, Conversation(), run.event, run.now)
    say_text(polite, "error")
    is_tap = run.event.kind is EventKind.TAP
    return [*([Answer()] if is_tap else []), *polite.effects, failed]


def say_text(run: Run, name: str) -> None:
    """Send a built-in text."""
    text = run.text(name)
    run.send(Message(text), {found[1] for found in VARIABLE.finditer(text)})


def _awaken(run: Run, button: str = "") -> None:
    """Begin a talk; an event that its first state waits for in silence is handled there.

    Args:
        button: the `go` of a button of a message that was not sent by a dialog.
    """
    run.talk.state = ""
    begin_anew(run)
    if _is_taken(run, (), button):
        return
    move(run, START, "start")
    state = run.state
    is_silent = not any(isinstance(one, Send) for one in run.effects)
    if state and state.waits and is_silent and run.event.kind is not EventKind.TAP:
        _respond(run, state)


def _is_taken(run: Run, own: tuple[Transition, ...], button: str, pointer: str = "") -> bool:
    """Take the first transition that matches, or go where a button leads; False if none does.

    Args:
        pointer: the place of the button in the document; empty for one that is not there. That
            leads to no state: a modified app can send whatever it wants as the data of a button.
    """
    taken = find(run, own, button) or find(run, run.scenario.anywhere, button)
    if taken:
        perform(run, taken.actions, taken.pointer)
    elif button in {START, BACK, AGAIN} or (pointer and button in run.scenario.states):
        move(run, button, pointer or "button")
    else:
        return False
    return True


def _respond(run: Run, state: State, button: str = "", pointer: str = "") -> None:
    """Take a transition, do what a built-in word means, or take the event as an answer."""
    question, own = state.question, _own(state)
    if _is_taken(run, own, button, pointer) or _built_in(run, state):
        return
    if question:
        answer(run, question)
    elif other := find_else(run, own) or find_else(run, run.scenario.anywhere):
        perform(run, other.actions, other.pointer)
    else:
        move(run, AGAIN, "again")


def _own(state: State) -> tuple[Transition, ...]:
    return state.question.on if state.question else state.on


def _built_in(run: Run, state: State) -> bool:
    """Do what a built-in word or command means; False if the event is none."""
    event, question = run.event, state.question
    word = f"/{event.command}" if event.command else ""
    if question and event.kind is EventKind.TEXT and not find_option(question, event.text):
        word = normalize(event.text)
    action = run.scenario.words.get(word) if word else None
    if question and question.may_skip and word == normalize(run.text("skip")):
        action = "skip"  # a key below a question for a phone number sends its text
    match action:
        case "back":
            move(run, BACK if run.talk.stack else AGAIN, "back")
        case "cancel":
            say_text(run, "cancelled")
            end(run, "cancel")
        case "help":
            say_text(run, "help")
            move(run, AGAIN, "help")
        case "skip" if question and question.may_skip:
            skip(run, question)
        case _:
            if word == "/start":
                move(run, START, "start")
            return word == "/start"
    return True


def _tap(run: Run) -> str:
    """Handle a tap on a button, and return what it is answered with."""
    data, progress = run.event.data, run.talk.progress
    moment = run.now.timestamp()
    last, when = progress.get("tap", ("", 0.0))
    if data == last and abs(moment - when) < DOUBLE_TAP:
        run.log(run.talk.state, REPEATED_TAP)
        return ""
    progress["tap"] = [data, moment]
    address = read_address(data)
    state = run.state
    if not state or not state.waits:
        _awaken(run, "" if address else data)
        return _old_menu(run) if address else ""
    if address is None:  # of a message that was not sent by a dialog
        if _is_taken(run, _own(state), data):
            return ""
    elif _is_present(run, address) and _take(run, state, address):
        return ""
    move(run, AGAIN, "old menu")
    return _old_menu(run)


def _old_menu(run: Run) -> str:
    text = VARIABLE.sub(lambda found: run.show(found[1]), run.text("old_menu"))
    return text[:MAX_ANSWER]


def _is_present(run: Run, address: Address) -> bool:
    """Tell whether a button belongs to what the talk waits for now."""
    talk = run.talk
    version = talk.progress.get("shown", run.scenario.version)
    return (address.version, address.state, address.visit) == (version, talk.state, talk.visit)


def _take(run: Run, state: State, address: Address) -> bool:
    """Do what a button of the present state says; False if there is no such button."""
    if address.kind == "b":
        if address.index >= len(state.buttons):
            return False
        _respond(run, state, *state.buttons[address.index])
        return True
    return state.question is not None and tapped(run, state, state.question, address)
