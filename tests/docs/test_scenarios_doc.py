"""docs/scenarios.md: its examples work, and its reference is that of the schemas."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.server_process import ROOT

from dialogs.messages.schema import MAX_BUTTON_TEXT, MAX_BUTTONS, MAX_IN_ROW
from dialogs.scenarios import IDLE, SCENARIO, load, validate
from dialogs.scenarios.budget import LIMITS, Use
from dialogs.scenarios.conversation import MAX_STACK
from dialogs.scenarios.details import MAX_OPERANDS, MAX_TAGS
from dialogs.scenarios.effects import REPEATED_TAP
from dialogs.scenarios.engine import DOUBLE_TAP
from dialogs.scenarios.expressions import LOOK
from dialogs.scenarios.regex import MAX_GROUPS, MAX_SIZE, MAX_TEXT
from dialogs.scenarios.regexes import MAX_PROGRAMS, MAX_REGEXES
from dialogs.scenarios.samples import template, template_names
from dialogs.scenarios.saved_tests import MAX_FAULTS, run_test, validate_test
from dialogs.scenarios.scenario import AskType
from dialogs.scenarios.schema import EVENTS, TEST
from dialogs.scenarios.simulation import PAUSE, START, simulate
from dialogs.scenarios.structure import MAX_BYTES
from dialogs.scenarios.variables import BUILT_IN, MAX_VARIABLES
from dialogs.scenarios.variables import MAX_TEXT as MAX_VALUE
from handlers.schemas.scenarios import MAX_NOTE
from handlers.schemas.statistics import DEFAULT_DAYS, MAX_DAYS
from models.dialogs import tags
from runner.scenarios.talk_log import MAX_SAID
from runner.scenarios.talk_log import MAX_TEXT as MAX_WORDS
from runner.scenarios.talks import NEW_VERSION, RESTART, VERSION_GONE
from services.retention import KEEP_STATISTICS
from services.statistics import MAX_STATES, MAX_TRANSITIONS

PAGE = (ROOT / "docs" / "scenarios.md").read_text()
EXAMPLES = [json.loads(one) for one in re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)]
SCENARIOS = [one for one in EXAMPLES if "start" in one]
TESTS = [one for one in EXAMPLES if "turns" in one]
LOGGING = ("engine", "moves", "questions")  # the modules that write the log of a talk
OBJECTS = [
    part for part in SCENARIO["$defs"].values() if "properties" in part and "$id" not in part
]


def table(schema: dict[str, Any], root: dict[str, Any]) -> str:
    """Return the table of an object's fields."""
    rows = ["| field | meaning |", "|---|---|"]
    for name, part in schema["properties"].items():
        meaning = part.get("description") or part.get("title", "")
        if not meaning:
            meaning = root["$defs"][part["$ref"].rpartition("/")[2]]["description"]
        meaning += "" if meaning.endswith(".") else "."
        if "enum" in part:
            meaning += f" One of: {', '.join(part['enum'])}."
        if name in schema.get("required", ()):
            meaning += " Required."
        rows.append(f"| `{name}` | {meaning} |")
    return "\n".join(rows) + "\n"


def test_it_has_examples() -> None:
    assert (len(SCENARIOS), len(TESTS)) == (7, 1)


@pytest.mark.parametrize("document", SCENARIOS)
def test_an_example_has_no_problems(document: Any) -> None:
    assert validate(document)[1] == []


def test_the_tutorial_ends_with_the_template() -> None:
    assert SCENARIOS[2] == template("cat_or_bread.en")


def test_its_mistake_is_reported_as_it_says() -> None:
    broken = json.loads(json.dumps(SCENARIOS[1]).replace('"go": "bread"', '"go": "bred"'))
    [problem] = [one for one in validate(broken)[1] if one.severity == "error"]
    row = f"| `{problem.pointer}` | `{problem.code}` | {problem.severity} | {problem.message} |"
    assert row in PAGE


@pytest.mark.parametrize("document", TESTS)
def test_its_test_passes(document: Any) -> None:
    assert validate_test(document) == []
    assert run_test(load(SCENARIOS[2]), document).faults == ()


def test_it_names_the_templates() -> None:
    for name in template_names():
        assert f"`{name.partition('.')[0]}" in PAGE


@pytest.mark.parametrize("schema", OBJECTS, ids=lambda schema: schema["title"])
def test_the_reference_has_each_object(schema: dict[str, Any]) -> None:
    assert f"### {schema['title']}\n\n{table(schema, SCENARIO)}" in PAGE


def test_the_reference_has_the_documents() -> None:
    assert f"### Scenario\n\n{table(SCENARIO, SCENARIO)}" in PAGE
    assert table(EVENTS["$defs"]["event"], EVENTS) in PAGE
    assert table(TEST, TEST) in PAGE
    assert table(TEST["$defs"]["turn"], TEST) in PAGE


def test_the_reference_has_nothing_else() -> None:
    _, _, reference = PAGE.partition("\n## Reference\n")
    titles = re.findall(r"^### (.*)$", reference, re.M)
    assert titles == ["Scenario", *(one["title"] for one in OBJECTS)]


def test_it_lists_the_types_of_answers() -> None:
    rows = re.search(r"^\| type \|.*?\n\n", PAGE, re.M | re.S)
    assert rows
    named = {one for row in rows[0].splitlines()[2:] for one in re.findall(r"`(\w+)`", row)}
    assert named >= {*AskType}


def test_it_lists_the_built_in_values() -> None:
    for name, meaning in BUILT_IN.items():
        assert f"| `{name}` | {meaning} |\n" in PAGE


def test_its_numbers_are_those_of_the_program() -> None:
    text = " ".join(PAGE.split())
    for words in (
        f"twice within {DOUBLE_TAP:g} seconds", f"first {MAX_TEXT:,} characters",
        f"at most {LIMITS[Use.STEPS]} states", f"through {MAX_STACK} questions",
        f"up to {MAX_VALUE:,} characters", f"at most {MAX_VARIABLES} of them",
        f"at most {MAX_BYTES // 1024} KB", f"at most {LIMITS[Use.MESSAGES]} messages",
        f"{LIMITS[Use.CHARACTERS]:,} characters and {LIMITS[Use.SIGNS]:,} line breaks and signs",
        f"{LIMITS[Use.VALUES]:,} looks at values", f"once for each {LOOK} characters",
        f"at most {MAX_OPERANDS} parts", f"have {MAX_SIZE} steps together",
        f"at most {MAX_REGEXES} regular expressions with {MAX_PROGRAMS:,} steps together",
        f"those that are tried on one message have {MAX_SIZE}", f"at most {MAX_GROUPS} groups",
        f"at most {MAX_TAGS} tags",
        f"last {DEFAULT_DAYS} days", f"at most {MAX_DAYS} of them",
        f"at most {MAX_STATES:,} states, and {MAX_TRANSITIONS} transitions",
        f"kept for {KEEP_STATISTICS.days} days",
        f"more than {IDLE.days} days", f"for {IDLE.days} days begins anew",
        f"{IDLE.days} days of silence", f"at most {MAX_FAULTS} faults",
    ):  # fmt: skip
        assert words in text
    assert MAX_TAGS == tags.MAX_TAGS


def said(events: list[Any], **parts: Any) -> list[str]:
    """What the bot says in a scenario with some parts of the page."""
    document = {
        "language": "en", "start": "menu",
        "states": {
            "menu": {"say": "Menu", "on": [{"any_of": "go", "go": "name"}]},
            "name": {"say": "Name?", "ask": {"type": "text", "end": True}},
        },
    }  # fmt: skip
    played = simulate(load(document | parts), events)
    return [text for reply in played.replies for text in reply]


def test_the_first_message_only_begins_a_talk() -> None:
    assert said(["/help"]) == said(["/cancel"]) == ["Menu"]
    assert said(["/start", "help"]) == ["Menu", "Menu"], "a word works in questions only"
    assert said(["/start", "/help"])[1].startswith("Answer what is asked.")


def test_help_and_cancel_are_led_elsewhere_as_it_says() -> None:
    anywhere = [json.loads(one) for one in re.findall(r"`(\{\"(?:command|any_of)\": .*?\})`", PAGE)]
    assert len(anywhere) == 3
    assert said(["/help", "/help"], anywhere=anywhere) == ["I tell cats from bread.", "Menu"] * 2
    for word in ("cancel", "/cancel"):
        assert said(["/start", "go", word], anywhere=anywhere) == ["Menu", "Name?", "Menu"]
    [words] = re.findall(r"`\"words\": (\{.*?\})`", PAGE)
    told = said(["/start", "go", "stop"], words=json.loads(words))
    assert told[2].startswith("Cancelled.")
    assert said(["/start", "/cancel"], words=json.loads(words)) == ["Menu", "Menu"]


def test_its_table_of_limits_is_that_of_the_schema() -> None:
    parts = SCENARIO["$defs"]
    option, transition = parts["option"]["then"], parts["transition"]["properties"]
    texts = transition["any_of"]["then"]
    value = parts["optionObject"]["properties"]["value"]["then"]["maxLength"]
    for name in ("stateName", "variableName", "commandName"):
        longest = "a" * 32
        assert re.search(parts[name]["pattern"].replace("(?!\\n)", ""), longest), name
        assert not re.search(parts[name]["pattern"], longest + "a"), name
    for row in (
        f"| tag | {parts['tags']['else']['maxLength']} characters of any kind |",
        f"| text in `say` | {parts['saidMessage']['then']['maxLength']:,} characters; "
        f"{parts['say']['then']['maxItems']} messages |",
        f"| button | {MAX_BUTTON_TEXT} characters; {MAX_IN_ROW} in a row, {MAX_BUTTONS} below",
        f"| option of a question | {option['maxLength']} characters, its `value` {value}; "
        f"{parts['question']['properties']['options']['maxItems']} options |",
        f"| {texts['maxItems']} texts of {texts['items']['maxLength']} characters |",
        f"| `regex` | {transition['regex']['maxLength']} characters |",
        f"| transitions of a state or question | {parts['transitions']['maxItems']} |",
        f"| `note` of a version | {MAX_NOTE} characters",
        f"each with {TEST['properties']['turns']['maxItems']} turns |",
    ):
        assert row in PAGE


def test_it_tells_how_values_are_compared_and_shown() -> None:
    def says(value: Any, condition: dict[str, Any], **others: Any) -> str:
        ways = [{"if": {"variable": "n", **condition}, "to": "yes"}, {"to": "no"}]
        states = {
            "a": {"set": {"n": value}, "go": ways},
            "yes": {"say": "yes {{n}}", "end": True},
            "no": {"say": "no", "end": True},
        }
        scenario = load({"start": "a", "states": states, **others})
        return str(simulate(scenario, ["/start"]).replies[0][0])

    assert (says(7, {"more": "5"}), says(10, {"more": "9"})) == ("yes 7", "yes 10")
    assert says("10", {"less": "9"}) == "yes 10"
    assert (says(0, {}), says("", {})) == ("yes 0", "no")
    dated = {"language": "ru", "variables": {"n": {"type": "date"}}}
    assert says("2030-01-08", {"equals": "2030-01-08"}, **dated) == "yes 08.01.2030"
    assert says("{{now.date}}", {"equals": "2030-01-07"}, **dated) == "yes 07.01.2030"


def test_it_explains_the_words_of_a_log() -> None:
    _, _, section = PAGE.partition("\n## Why did it say that?\n")
    rows = re.search(r"^\| transition \|.*?\n\n", section, re.M | re.S)
    assert rows
    explained = {
        one for row in rows[0].splitlines() for one in re.findall(r"`([\w ]+)` ?[|,]", row)
    }
    source = "".join((ROOT / f"dialogs/scenarios/{one}.py").read_text() for one in LOGGING)
    # what `move`, `end` and `log` are called with, and what `_is_taken` says of such a button
    used = {*re.findall(r'(?:move|end|log)\(run?.*, "([\w ]+)"\)|pointer or "(\w+)"', source)}
    words = {word for found in used for word in found if word}
    assert {"start", "again", "old menu", "retry", "button"} <= words
    assert words | {RESTART, VERSION_GONE, NEW_VERSION, REPEATED_TAP} == explained
    text = " ".join(section.split())
    assert f"cut to {MAX_WORDS} characters, and there are at most {MAX_SAID} of the bot" in text


def test_it_tells_when_the_clock_of_a_simulation_begins() -> None:
    assert " ".join(PAGE.split()).count(f"on {START:%A, %Y-%m-%d} at {START:%H:%M} UTC") == 2
    assert f"{START:%Y-%m-%dT%H:%M:%SZ} by default" in PAGE
    assert f"{PAUSE:g} seconds after the event before it" in " ".join(PAGE.split())
