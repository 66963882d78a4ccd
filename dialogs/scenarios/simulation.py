"""A talk that is played through: the same `step` as in earnest, with the time that events say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dialogs.messages import Call, render
from dialogs.scenarios.conversation import IDLE, Conversation, Variables
from dialogs.scenarios.effects import Answer, Edit, Effect, Failure, Log, Send, Tag, Untag
from dialogs.scenarios.engine import step
from dialogs.scenarios.events import Event, EventKind, Place, built_in, read_text
from dialogs.scenarios.problems import InvalidScenario, Path, Problem, error
from dialogs.scenarios.scenario import Scenario
from dialogs.scenarios.schema import event_checker
from dialogs.scenarios.simulation_budget import NO_LIMIT, OverBudget, SimulationBudget
from dialogs.scenarios.structure import structure_problems
from dialogs.scenarios.tapping import NothingToTap, tap
from dialogs.scenarios.wording import problems_of

Document = Mapping[str, Any]

START = datetime(2030, 1, 7, 12, tzinfo=UTC)  # a Monday
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
PAUSE = 5.0  # seconds before an event that says nothing of the time; the first one has none
_LAST = datetime(9990, 1, 1, tzinfo=UTC)
_FILES = ("photo", "video", "animation", "audio", "voice", "document", "sticker")
_CONTENT = (
    *_FILES, "media", "latitude", "longitude", "phone_number", "first_name", "last_name",
)  # fmt: skip
_ABOUT = built_in(
    user={"id": 1, "first_name": "Ann", "last_name": "", "username": "ann", "language": "en"},
    chat={"id": 1, "type": "private", "title": ""},
    bot={"name": "Bot", "username": "a_bot"},
)


@dataclass(slots=True)
class Simulation:
    """What was said, and how the talk went.

    Args:
        transcript: what the user did (`from` is "user") and what the bot said or showed ("bot").
        states: the state after each event; empty if the talk has ended.
        replies: the texts of the bot after each event.
        log: the steps.
        failures: the mistakes of the scenario that showed.
    """

    conversation: Conversation
    transcript: list[dict[str, Any]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    replies: list[list[str]] = field(default_factory=list)
    log: list[Log] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def variables(self) -> Variables:
        """The variables at the end, without those that are empty."""
        found = self.conversation.variables
        return {name: value for name, value in found.items() if value is not None}


class InvalidEvents(InvalidScenario):
    """The events of a simulation are wrong or too many, or there is no such button to tap.

    Args:
        played: what came of the events before the one that cannot be played; None if no event was
            played because some are wrong.
    """

    def __init__(self, problems: Sequence[Problem], played: Simulation | None = None) -> None:
        super().__init__(problems)
        self.played = played


def simulate(
    scenario: Scenario,
    events: Sequence[Any],
    *,
    now: datetime = START,
    conversation: Conversation | None = None,
    budget: SimulationBudget = NO_LIMIT,
) -> Simulation:
    """Play a talk through.

    Args:
        events: what the user does, as docs/scenarios.md describes it: JSON values.
        now: when it begins, from `EARLIEST` to `LATEST`.
        conversation: where it begins; None for a new talk.
        budget: what it may use.

    Raises:
        InvalidEvents: an event is wrong, taps a button that is not there, or is one too many for
            the budget.
    """
    if problems := event_problems(events):
        raise InvalidEvents(problems)
    simulation = Simulation(conversation or Conversation(scenario.version))
    about = {**_ABOUT, "user.language": scenario.language or "en"}
    for index, written in enumerate(events):
        document: Document = {"text": written} if isinstance(written, str) else written
        wait = timedelta(seconds=document.get("wait", PAUSE if index else 0.0))
        now = now + wait if wait < _LAST - now else now  # time stands still before it ends
        if wait > IDLE:
            simulation.conversation = Conversation(scenario.version)
        about = {**about, **built_in(user=document["user"])} if "user" in document else about
        try:
            event = _event(document, simulation.transcript, about, (index,))
            simulation.transcript.append({"from": "user", **document})
            budget.check_time()
            budget.spend(document)
            _play(scenario, simulation, event, now, budget)
        except NothingToTap as none:
            raise InvalidEvents([none.problem], simulation) from None
        except OverBudget as over:
            problem = error((index,), over.code, over.message)
            raise InvalidEvents([problem], simulation) from None
    return simulation


def _play(
    scenario: Scenario,
    simulation: Simulation,
    event: Event,
    now: datetime,
    budget: SimulationBudget,
) -> None:
    """Play one event.

    Raises:
        OverBudget: it is too much; the talk stands where it was.
    """
    before = len(simulation.transcript)
    after, effects = step(scenario, simulation.conversation, event, now)
    for effect in effects:
        _note(simulation, effect, event, budget)
    simulation.conversation = after
    simulation.states.append(after.state)
    added = simulation.transcript[before:]
    simulation.replies.append([one["text"] for one in added if "text" in one])


def event_problems(events: Any, path: Path = ()) -> list[Problem]:
    """Return what is wrong with the events of a simulation; none if they can be played.

    Args:
        path: the place of the list in its document.
    """
    problems = structure_problems(events, divisible=True)
    if not problems:
        problems = [
            one
            for found in event_checker().mismatches(events)
            for one in problems_of(found, "the list of events")
        ]
    return problems


def _event(
    document: Document, transcript: list[dict[str, Any]], about: dict[str, str], path: Path
) -> Event:
    if "text" in document:
        return read_text(document["text"], about)
    if "tap" in document:
        return tap(document, transcript, about, path)
    if "contact" in document:
        return Event(EventKind.CONTACT, phone=document["contact"], about=about)
    if "location" in document:
        place = Place(document["location"]["latitude"], document["location"]["longitude"])
        return Event(EventKind.LOCATION, place=place, about=about)
    for name in _FILES:
        if name in document:
            return Event(EventKind(name), file_id=document[name], about=about)
    return Event(EventKind.OTHER, about=about)


def _note(simulation: Simulation, effect: Effect, event: Event, budget: SimulationBudget) -> None:
    """Write down what came of an event.

    Raises:
        OverBudget: it is too much.
    """
    match effect:
        case Send():
            for call in render(effect.message, effect.values):
                shown = _shown(call)
                budget.spend(shown)
                simulation.transcript.append({"from": "bot", **shown})
        case Edit():
            edited = [_shown(call) for call in render(effect.message, effect.values)]
            for entry in reversed(simulation.transcript):
                if edited and _has_button(entry, event.data):
                    budget.spend(edited[-1])
                    entry.update(edited[-1])
                    break
        case Answer(text) if text:
            simulation.transcript.append({"from": "bot", "answer": text})
        case Tag(tags):
            simulation.tags += [tag for tag in tags if tag not in simulation.tags]
        case Untag(tags):
            simulation.tags[:] = [tag for tag in simulation.tags if tag not in tags]
        case Log():
            budget.spend(effect.to_json())
            simulation.log.append(effect)
        case Failure():
            budget.spend(effect.message)
            simulation.failures.append(effect)


def _has_button(entry: Document, data: str) -> bool:
    rows = entry.get("buttons", ())
    return any(button.get("callback_data") == data for row in rows for button in row)


def _shown(call: Call) -> dict[str, Any]:
    """Return what a user sees of a message."""
    shown: dict[str, Any] = {}
    parameters = call.parameters
    if call.text is not None:
        shown["text"] = call.text
    if entities := parameters.get("entities", call.captioned.get("caption_entities")):
        shown["entities"] = entities
    for name in _CONTENT:
        if name in parameters:
            shown[name] = parameters[name]
    if "media" in parameters:  # without its caption, which is the text
        shown["media"] = [{"type": one["type"], "media": one["media"]} for one in shown["media"]]
    markup = parameters.get("reply_markup", {})
    if "inline_keyboard" in markup:
        shown["buttons"] = markup["inline_keyboard"]
    if "keyboard" in markup:
        shown["keyboard"] = [[one["text"] for one in row] for row in markup["keyboard"]]
    if "remove_keyboard" in markup:
        shown["remove_keyboard"] = True
    return shown
