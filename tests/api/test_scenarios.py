"""Scenarios over the API: draft, validation, versions, simulation, templates."""

from __future__ import annotations

import asyncio
from typing import Any

import jsonschema_rs
import pytest
from support.client import BOTS, Client, register
from support.talks import CAT, EARS, IS_CAT, SQUARE, Talker, talker

from bench.dense_scenario import dense_scenario
from dialogs.scenarios import DEFAULT, SCENARIO, template, template_names
from sandbox import Sandbox

HELLO = {"start": "hello", "states": {"hello": {"say": "Hi!", "end": True}}}
BROKEN = {
    "start": "helo",
    "states": {"hello": {"say": "Hi!", "on": [{"any_of": "x", "go": "bye"}]}},
}


@pytest.fixture
async def talk(ann: Client, telegram: Sandbox) -> Talker:
    """A bot without a scenario."""
    return await talker(ann, telegram)


def tag(answer: Any) -> dict[str, str]:
    """The header that says which draft was seen."""
    return {"If-Match": answer.headers["ETag"]}


async def test_a_draft_is_exported_as_it_was_imported(talk: Talker) -> None:
    first = await talk.owner.get(talk.path)
    assert first.json == template(DEFAULT)
    assert first.headers["ETag"] == '"0"'
    saved = await talk.owner.put(talk.path, HELLO, headers=tag(first))
    assert saved.status == 200
    assert (saved.json["revision"], saved.json["updated_by"]) == (1, "ann")
    assert (saved.json["valid"], saved.json["problems"]) == (True, [])
    again = await talk.owner.get(talk.path)
    assert (again.json, again.headers["ETag"]) == (HELLO, saved.headers["ETag"])


async def test_an_export_can_be_read_and_sent_back(talk: Talker) -> None:
    await talk.save(HELLO)
    shown = await talk.owner.get(talk.path)
    assert shown.text.startswith('{\n  "start": "hello",\n  "states": {\n    "hello": {\n')
    one = await talk.owner.get(f"/api/v1/scenario_templates/{CAT}/")
    assert one.text.startswith('{\n  "')
    deep: Any = [1] * 5000
    for _ in range(20):
        deep = [deep]
    for document in (dense_scenario(), {"a": [deep] * 15}):  # the latter has 3 MB with blanks
        await talk.save(document)
        shown = await talk.owner.get(talk.path)
        headers = {**tag(shown), "Content-Type": "application/json"}
        assert (await talk.owner.put(talk.path, data=shown.text, headers=headers)).status == 200
        assert (await talk.owner.get(talk.path)).json == document


async def test_an_edit_of_what_somebody_else_has_changed_is_refused(talk: Talker) -> None:
    seen = await talk.owner.get(talk.path)
    await talk.owner.put(talk.path, HELLO, headers=tag(seen))
    late = await talk.owner.put(talk.path, template(CAT), headers=tag(seen))
    assert (late.status, late.json["code"]) == (412, "draft_changed")
    assert "by ann at 20" in late.json["detail"]
    assert late.headers["ETag"] == '"1"'
    assert (await talk.owner.get(talk.path)).json == HELLO
    assert (await talk.owner.put(talk.path, HELLO, headers=tag(late))).status == 200
    blind = await talk.owner.put(talk.path, HELLO)
    assert (blind.status, blind.json["code"]) == (428, "if_match_required")
    odd = await talk.owner.put(talk.path, HELLO, headers={"If-Match": '"x"'})
    assert odd.status == 412


async def test_one_of_several_edits_at_once_wins(talk: Talker) -> None:
    edits = (talk.owner.put(talk.path, HELLO, headers={"If-Match": '"0"'}) for _ in range(8))
    answers = await asyncio.gather(*edits)
    assert sorted(answer.status for answer in answers) == [200] + 7 * [412]


async def test_all_problems_are_told_at_once(talk: Talker) -> None:
    answer = await talk.owner.post(f"{talk.path}validate/", BROKEN)
    assert (answer.status, answer.json["valid"]) == (200, False)
    errors = {
        one["pointer"]: one["code"] for one in answer.json["problems"] if one["severity"] == "error"
    }
    assert errors.keys() == {"/start", "/states/hello/on/0/go"}
    saved = await talk.save(BROKEN)
    assert saved.json["problems"] == answer.json["problems"]
    assert (await talk.owner.post(f"{talk.path}validate/")).json == answer.json
    refused = await talk.owner.post(f"{talk.path}publish/", {})
    assert (refused.status, refused.json["code"]) == (400, "validation_failed")
    assert refused.json["errors"].keys() == errors.keys()
    assert (await talk.owner.get(f"{talk.path}versions/")).json["items"] == []


async def test_what_cannot_be_stored_is_refused(talk: Talker) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    for document in ({"a": deep}, {"a": "x" * 300_000}, {"a": 10**30}):
        answer = await talk.owner.put(talk.path, document, headers={"If-Match": "*"})
        assert (answer.status, answer.json["code"]) == (400, "validation_failed"), document
    assert (await talk.owner.get(talk.path)).headers["ETag"] == '"0"'


async def test_versions_are_kept_and_taken_back(talk: Talker) -> None:
    first = await talk.publish(HELLO, note="the first")
    assert (first["n"], first["note"], first["author"]) == (1, "the first", "ann")
    assert first["live"] is True
    await talk.publish(template(CAT))
    page = (await talk.owner.get(f"{talk.path}versions/?limit=1")).json
    assert [(one["n"], one["live"]) for one in page["items"]] == [(2, True)]
    rest = (await talk.owner.get(f"{talk.path}versions/?after={page['next']}")).json
    assert ([one["note"] for one in rest["items"]], rest["next"]) == (["the first"], None)
    one = await talk.owner.get(f"{talk.path}versions/1/")
    assert (one.json["document"], one.json["live"]) == (HELLO, False)
    restored = await talk.owner.post(f"{talk.path}versions/1/restore/", headers={"If-Match": '"2"'})
    assert (restored.status, restored.json["valid"]) == (200, True)
    assert (await talk.owner.get(talk.path)).json == HELLO
    assert await talk.says("/start") == [SQUARE]  # it is only the draft
    assert (await talk.owner.post(f"{talk.path}publish/", {})).json["n"] == 3
    listed = (await talk.owner.get(f"{talk.path}versions/")).json["items"]
    assert [one["n"] for one in listed if one["live"]] == [3]
    assert await talk.says("x", chat=2) == ["Hi!"]
    for path in ("versions/9/", "versions/9/restore/"):
        method = "POST" if "restore" in path else "GET"
        answer = await talk.owner.request(method, talk.path + path, headers={"If-Match": "*"})
        assert answer.status == 404


async def test_a_draft_that_has_not_changed_is_told(talk: Talker) -> None:
    assert (await talk.publish(HELLO))["unchanged"] is False
    assert (await talk.owner.post(f"{talk.path}publish/", {})).json["unchanged"] is True
    assert (await talk.publish({**HELLO, "title": "Hello"}))["unchanged"] is False


def form(variable: str, kind: str = "text") -> dict[str, Any]:
    """A question for a name, and one for an age."""
    asked = {"type": kind, "save": "age", "go": "bye"}
    return {
        "start": "name",
        "states": {
            "name": {"say": "Name?", "ask": {"type": "text", "save": variable, "go": "age"}},
            "age": {"say": "Age?", "ask": asked},
            "bye": {"say": f"Thank you, {{{{{variable}}}}}, {{{{age}}}}!", "end": True},
        },
    }


async def test_variables_that_a_publish_drops_are_told_before_and_after(talk: Talker) -> None:
    first = await talk.publish(form("name", "text"))
    assert first["variables"] == {"added": ["age", "name"], "removed": [], "retyped": []}
    await talk.says("/start")
    assert await talk.says("Ann") == ["Age?"]
    await talk.save(form("first_name", "number"))
    lost = {
        "added": ["first_name"],
        "removed": ["name"],
        "retyped": [{"name": "age", "before": "text", "after": "number"}],
    }
    assert (await talk.owner.get(f"{talk.path}versions/1/diff/")).json["variables"] == lost
    published = await talk.owner.post(f"{talk.path}publish/", {})
    assert published.json["variables"] == lost


async def test_the_last_hundred_versions_are_kept_and_those_in_use(talk: Talker) -> None:
    await talk.publish(template(CAT))
    await talk.says("/start")
    await talk.save(HELLO)
    for _ in range(102):
        assert (await talk.owner.post(f"{talk.path}publish/", {})).status == 201
    rows: list[int] = []
    after = ""
    while after is not None:
        query = f"?limit=200&after={after}" if after else "?limit=200"
        page = (await talk.owner.get(f"{talk.path}versions/{query}")).json
        rows, after = rows + [one["n"] for one in page["items"]], page["next"]
    assert rows == [*range(103, 3, -1), 1]


async def test_a_simulation_plays_the_draft_or_a_version(talk: Talker) -> None:
    await talk.publish(template(CAT))
    await talk.save(HELLO)
    path = f"{talk.path}simulate/"
    draft = (await talk.owner.post(path, {"events": ["/start"]})).json
    assert [one["text"] for one in draft["transcript"]] == ["/start", "Hi!"]
    played = await talk.owner.post(
        path, {"events": ["/start", "да", {"text": "да", "wait": 60}], "version": 1}
    )
    assert played.status == 200
    said = [one["text"] for one in played.json["transcript"] if one["from"] == "bot"]
    assert said == [SQUARE, EARS, IS_CAT]
    assert played.json["states"] == ["square", "ears", ""]
    assert played.json["unreached_states"] == ["bread"]
    assert [step["to"] for step in played.json["log"]][-2:] == ["cat", ""]
    wrong = await talk.owner.post(path, {"events": [{"tap": "x"}, 5, {"txt": "x"}]})
    assert (wrong.status, wrong.json["code"]) == (400, "validation_failed")
    assert all(pointer.startswith("/events/") for pointer in wrong.json["errors"])
    assert (await talk.owner.post(path, {"events": [], "version": 7})).status == 404
    assert talk.texts() == []


async def test_a_simulation_has_a_clock_and_shows_what_a_phone_does(talk: Talker) -> None:
    say = {"text": "**{{now}}**", "format": "markdown"}
    await talk.save({"start": "a", "states": {"a": {"say": say, "end": True}}})
    path = f"{talk.path}simulate/"
    for now, shown in (
        ({}, "2030-01-07 12:00"),
        ({"now": None}, "2030-01-07 12:00"),
        ({"now": "2026-01-31T18:30:00+03:00"}, "2026-01-31 15:30"),
    ):
        played = await talk.owner.post(path, {"events": ["x"], **now})
        assert played.json["transcript"][1] == {
            "from": "bot",
            "text": shown,
            "entities": [{"type": "bold", "offset": 0, "length": 16}],
        }
    for wrong in ("tomorrow", "2026-01-31T18:30:00", "9999-12-31T23:59:59-03:00", 5):
        refused = await talk.owner.post(path, {"events": ["x"], "now": wrong})
        assert refused.status == 400
        assert "2026-01-31T18:30:00Z" in str(refused.json["errors"]["now"])


async def test_templates_and_the_format_are_served(ann: Client, anonymous: Client) -> None:
    listed = (await ann.get("/api/v1/scenario_templates/")).json["items"]
    assert [one["name"] for one in listed] == [*template_names()]
    for one in listed:
        assert (await ann.get(f"/api/v1/scenario_templates/{one['name']}/")).json == template(
            one["name"]
        )
    assert (await ann.get("/api/v1/scenario_templates/nothing.en/")).status == 404
    answer = await anonymous.get("/api/v1/scenario.schema.json")
    assert answer.headers["Content-Type"] == "application/schema+json"
    assert answer.json == SCENARIO


async def test_answers_are_as_the_document_says(talk: Talker, anonymous: Client) -> None:
    document = (await anonymous.get("/openapi.json")).json
    root = {"components": document["components"]}

    def check(name: str, value: Any) -> None:
        reference = {"$ref": f"#/components/schemas/{name}"}
        jsonschema_rs.Draft202012Validator({**reference, **root}).validate(value)

    check("SavedScenario", (await talk.save(BROKEN)).json)
    check("PublishedScenario", await talk.publish(template(CAT)))
    check("ScenarioVersionItems", (await talk.owner.get(f"{talk.path}versions/")).json)
    check("WholeScenarioVersion", (await talk.owner.get(f"{talk.path}versions/1/")).json)
    played = await talk.owner.post(f"{talk.path}simulate/", {"events": ["да"]})
    check("Simulation", played.json)
    check("ScenarioTemplates", (await talk.owner.get("/api/v1/scenario_templates/")).json)


async def test_a_scenario_is_its_owners_alone(talk: Talker, http: Any) -> None:
    await talk.publish(HELLO)
    other = await register(Client(http, talk.owner.url), "bob")
    for method, path in (
        ("GET", ""), ("PUT", ""), ("POST", "validate/"), ("POST", "publish/"),
        ("GET", "versions/"), ("GET", "versions/1/"), ("POST", "versions/1/restore/"),
        ("POST", "simulate/"),
    ):  # fmt: skip
        body = HELLO if method != "GET" else None
        answer = await other.request(
            method, f"{BOTS}{talk.bot_id}/scenario/{path}", body, headers={"If-Match": "*"}
        )
        assert answer.status == 404, path


async def test_a_failing_test_stops_a_publish_unless_it_is_forced(talk: Talker) -> None:
    path = f"{talk.path}tests/"
    assert (await talk.owner.get(path)).json == {"tests": []}
    tests = [
        {"name": "a cat", "turns": [{"user": "/start"}, {"user": "нет", "bot": [IS_CAT]}]},
        {"name": "ears", "turns": [{"user": "/start"}, {"user": "да", "bot": [EARS]}]},
    ]
    anew = {"If-Match": "*"}
    assert (await talk.owner.put(path, {"tests": tests}, headers=anew)).json == {"tests": tests}
    await talk.publish(template(CAT))
    run = (await talk.owner.post(f"{path}run/")).json
    assert (run["passed"], run["unreached_states"]) == (True, ["bread"])
    changed = template(CAT)
    changed["states"]["ears"]["say"] = "Уши?"
    await talk.save(changed)
    refused = await talk.owner.post(f"{talk.path}publish/", {})
    assert (refused.status, refused.json["code"]) == (409, "tests_failed")
    told = f'Turn 2: The bot should say "{EARS}", and says "Уши?".'
    assert refused.json["errors"] == {"ears": [told]}
    run = (await talk.owner.post(f"{path}run/")).json
    assert [one["passed"] for one in run["items"]] == [True, False]
    assert run["items"][1]["faults"][0]["turn"] == 1
    assert (await talk.owner.post(f"{talk.path}publish/", {"force": True})).status == 201
    entries = (await talk.owner.get("/api/v1/audit/?action=scenario_published")).json["results"]
    assert [one["details"] for one in entries] == [
        {"version": 2, "forced": True},
        {"version": 1, "forced": False},
    ]
    broken = {"tests": [{"name": "x", "turns": [{"user": 5}]}]}
    wrong = await talk.owner.put(path, broken, headers=anew)
    assert (wrong.status, wrong.json["code"]) == (400, "validation_failed")
    assert all(pointer.startswith("/tests/0/turns/0") for pointer in wrong.json["errors"])


async def test_versions_are_compared(talk: Talker) -> None:
    await talk.publish(HELLO)
    await talk.publish(template(CAT))
    path = f"{talk.path}versions/1/diff/"
    found = (await talk.owner.get(f"{path}?to=2")).json
    assert found["added"] == ["square", "ears", "cat", "bread"]
    assert (found["removed"], found["changed"]) == (["hello"], [])
    assert (await talk.owner.get(path)).json == found  # the draft is that version
    assert (await talk.owner.get(f"{path}?to=9")).status == 404
