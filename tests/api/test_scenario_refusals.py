"""What a refused simulation, test or draft is told: all that is known, in the words of people."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from support.client import Client
from support.talks import Talker, talker

from sandbox import Sandbox

MENU: dict[str, Any] = {
    "start": "menu",
    "states": {
        "menu": {
            "say": {"text": "?", "buttons": [[{"text": "Prices", "go": "prices"}]]},
            "on": [],
        },
        "prices": {"say": "1", "go": "menu"},
    },
}
BROKEN = {"start": "a", "states": {"a": {"say": "", "go": "b"}}}
ANY = {"If-Match": "*"}


@pytest.fixture
async def talk(ann: Client, telegram: Sandbox) -> Talker:
    """A bot with a menu as its draft."""
    made = await talker(ann, telegram)
    await made.save(MENU)
    return made


async def test_a_simulation_that_cannot_go_on_shows_what_was_played(
    talk: Talker, anonymous: Client
) -> None:
    events = ["/start", {"tap": "Prices"}, {"tap": "Yes"}, "never"]
    refused = await talk.owner.post(f"{talk.path}simulate/", {"events": events})
    assert (refused.status, refused.json["code"]) == (400, "validation_failed")
    assert refused.headers["Content-Type"] == "application/problem+json"
    told = 'The bot has shown no button "Yes". The last button is "Prices".'
    assert refused.json["errors"] == {"/events/2/tap": [told]}
    good = await talk.owner.post(f"{talk.path}simulate/", {"events": events[:2]})
    coverage = ("unreached_states", "untaken_transitions")
    assert refused.json["played"] == {
        name: value for name, value in good.json.items() if name not in coverage
    }
    document = (await anonymous.get("/openapi.json")).json
    schema = {
        "$ref": "#/components/schemas/SimulationProblem",
        "components": document["components"],
    }
    jsonschema_rs.Draft202012Validator(schema).validate(refused.json)


@pytest.mark.parametrize(
    ("event", "place", "told"),
    [
        (None, "", "Event 2 must be a text or an object with named fields, not null."),
        (True, "", "Event 2 must be a text or an object with named fields, not true or false."),
        (5, "", "Event 2 must be a text or an object with named fields, not a number."),
        ({"text": "x", "wait": "3"}, "/wait", '"wait" of event 2 must be a number, not a text.'),
    ],
)
async def test_an_event_that_is_none_is_called_by_its_number(
    talk: Talker, event: Any, place: str, told: str
) -> None:
    refused = await talk.owner.post(f"{talk.path}simulate/", {"events": ["hi", event]})
    assert refused.status == 400
    assert refused.json["errors"] == {f"/events/1{place}": [told]}
    assert "played" not in refused.json
    nothing = await talk.owner.post(f"{talk.path}simulate/", {"events": [{}]})
    assert nothing.json["errors"]["/events/0"][0].startswith("Event 1 needs one of")


@pytest.mark.parametrize(
    ("test", "place", "told"),
    [
        (5, "", "The test must be an object with named fields, not a number."),
        (None, "", "The test must be an object with named fields, not null."),
        ({"name": "x", "turns": [{"user": "a"}, {"user": {"text": "x", "wait": "3"}}]},
         "/turns/1/user/wait",
         'In the test "x": "wait" of "user" of turn 2 must be a number, not a text.'),
    ],
)  # fmt: skip
async def test_a_test_that_is_none_is_refused_with_its_place(
    talk: Talker, test: Any, place: str, told: str
) -> None:
    refused = await talk.owner.put(f"{talk.path}tests/", {"tests": [test]}, headers=ANY)
    assert (refused.status, refused.json["code"]) == (400, "validation_failed")
    assert refused.json["errors"] == {f"/tests/0{place}": [told]}


async def test_a_turn_that_cannot_be_played_keeps_the_faults_and_the_coverage(talk: Talker) -> None:
    turns = [
        {"user": "/start", "bot": ["WRONG"], "state": "prises"},
        {"user": {"tap": "Prices"}},
        {"user": {"tap": "Nope"}},
        {"user": "x"},
    ]
    tests = {"tests": [{"name": "T", "turns": turns}]}
    assert (await talk.owner.put(f"{talk.path}tests/", tests, headers=ANY)).status == 200
    run = (await talk.owner.post(f"{talk.path}tests/run/")).json
    told = [
        'The bot should say "WRONG", and says "?".',
        'There is no state "prises", in which the talk should be; it is in "menu". '
        'Did you mean "prices"?',
        'The bot has shown no button "Nope". The last button is "Prices".',
    ]
    assert [one["message"] for one in run["items"][0]["faults"]] == told
    assert [one["turn"] for one in run["items"][0]["faults"]] == [0, 0, 2]
    assert (run["unreached_states"], run["untaken_transitions"]) == ([], [])
    refused = await talk.owner.post(f"{talk.path}publish/", {})
    assert refused.json["errors"]["T"][-1] == f"Turn 3: {told[-1]}"


async def test_errors_of_the_draft_are_called_so(talk: Talker) -> None:
    await talk.publish(MENU)
    await talk.save(BROKEN)
    for method, path, body in (
        ("POST", "publish/", {}),
        ("POST", "tests/run/", None),
        ("POST", "simulate/", {"events": ["x"]}),
        ("GET", "versions/1/diff/", None),
    ):
        refused = await talk.owner.request(method, talk.path + path, body)
        assert refused.status == 400
        assert refused.json["detail"].startswith("The draft is invalid in "), path
    simulated = await talk.owner.post(f"{talk.path}simulate/", {"events": ["x"], "version": 1})
    assert simulated.status == 200


async def test_a_document_that_is_too_large_is_told_what_can_be_done(talk: Talker) -> None:
    large = {"start": "a", "states": {"a": {"say": ["x" * 4000] * 80, "end": True}}}
    refused = await talk.owner.put(talk.path, large, headers=ANY)
    told = "The document is larger than 256 KB."
    assert refused.json["errors"] == {"non_field_errors": [f"{told} Shorten it."]}
    events = ["x" * 4000] * 80
    refused = await talk.owner.post(f"{talk.path}simulate/", {"events": events})
    assert refused.json["errors"] == {"/events": [f"{told} Divide it, or shorten it."]}
