"""How a question is shown: with buttons for its options, to skip it, or to send a phone number."""

from __future__ import annotations

from dataclasses import replace

from dialogs.messages import Message, render
from dialogs.messages.content import Button, Keyboard, KeyboardButton, TextFormat
from dialogs.messages.variables import VARIABLE
from dialogs.scenarios.retries import limited_sentence
from dialogs.scenarios.run import Run, addressed
from dialogs.scenarios.scenario import AskType, Question, Said, State

_SHARED = {AskType.PHONE: "contact", AskType.LOCATION: "location"}
_PICKED, _FREE = "✅ ", "▫️ "


def say_state(run: Run, state: State) -> None:
    """Say what a state says, with its question's buttons below the last message."""
    said, question = state.entry.say, state.question
    if question is None:
        run.say(said)
        return
    run.say(said[:-1])
    for last in said[-1:]:
        shown = as_shown(run, question, last)
        run.send(shown, {*last.names, *question.names})
        if shown.keyboard and question.type in _SHARED:
            run.talk.progress["keyboard"] = True


def as_shown(run: Run, question: Question, last: Said) -> Message:
    """Return the last message of a question with its buttons.

    If all its variables are empty, so that nothing would be sent, the sentence for the type of the
    answer stands in its place: the user would not know that something is asked.
    """
    message = last.message
    if _may_be_nothing(message):
        values = {name: run.show(name) for name in last.names}
        if not render(message, values):
            message = replace(message, text=wanted(run, question))
            message = replace(message, format=TextFormat.PLAIN)
    return _with_buttons(run, question, addressed(run, replace(last, message=message)))


def wanted(run: Run, question: Question) -> str:
    """Return the built-in sentence that tells which answers a question takes."""
    today = run.now.astimezone(run.scenario.zone).date()
    sentence = limited_sentence(question, today, run.language)
    return sentence or run.text(f"retry_{question.type}")


def _may_be_nothing(message: Message) -> bool:
    """Tell whether a message may have no content, if its variables are empty."""
    if message.media or message.location or "{{" not in f"{message.text}{message.contact}":
        return False
    return not any(map(str.isalnum, VARIABLE.sub("", message.text)))


def _with_buttons(run: Run, question: Question, message: Message) -> Message:
    """Return a message with the buttons of a question, after its own."""
    if request := _SHARED.get(question.type):
        if message.buttons or message.keyboard:
            return message
        rows = [(KeyboardButton(run.text(f"share_{_SHARE[request]}"), request),)]
        if question.may_skip:
            rows.append((KeyboardButton(run.text("skip")),))
        return replace(message, keyboard=Keyboard(tuple(rows), one_time=True))
    made = _options(run, question)
    if question.may_skip:
        made.append((Button(run.text("skip"), run.address("s")),))
    if not made or message.keyboard:
        return message
    return replace(message, buttons=(*message.buttons, *made))


_SHARE = {"contact": "phone", "location": "location"}


def _options(run: Run, question: Question) -> list[tuple[Button, ...]]:
    """Return the rows of buttons for what can be chosen."""
    is_several = question.type is AskType.CHOICES
    picked = set(run.talk.progress.get("picked", ()))
    buttons: list[Button] = []
    for index, option in enumerate(question.options):
        if not is_several:
            buttons.append(Button(option.text, run.address("o", index)))
        elif index in picked:
            buttons.append(Button(_PICKED + option.text, run.address("u", index)))
        else:
            buttons.append(Button(_FREE + option.text, run.address("o", index)))
    width = question.columns
    rows = [tuple(buttons[at : at + width]) for at in range(0, len(buttons), width)]
    if is_several:
        rows.append((Button(run.text("done"), run.address("d")),))
    return rows
