"""A body that is not JSON is answered with what to do, if the place of the error tells."""

from __future__ import annotations

import json

import orjson
import pytest
from support.client import Client
from support.talks import Talker, talker

from handlers.json_hints import why_not_json
from sandbox import Sandbox

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{'start': 1}", "Use double quotes (\") in place of single quotes (')."),
        ("{\"a\": 'x'}", "in place of single quotes"),
        ("{“start”: 1}", 'Use straight double quotes (") in place of “.'),
        ('{"привет": «x»}', 'Use straight double quotes (") in place of «.'),
        ('{"a": True}', "Write true in place of True."),
        ('{"a": [1,\n False]}', "in line 2, column 2. Write false in place of False."),
        ('{"a": None}', "Write null in place of None."),
        ('{"a": undefined}', "Write null in place of undefined."),
        ('{"a": NaN}', "JSON has no NaN. Use a number, or null."),
        ('{"a": -Infinity}', "JSON has no Infinity. Use a number, or null."),
        ('{"a": 1, // one\n"b": 2}', "JSON has no comments. Remove them."),
        ('{"a": 1 /* one */}', "JSON has no comments. Remove them."),
        ('# one\n{"a": 1}', "JSON has no comments. Remove them."),
        ('{"a": 1,}', "trailing comma is not allowed in line 1, column 8. Remove the comma."),
        ('{"a": [1,\n]}', "Remove the comma."),
        ('{"a": "x\ny"}', "Write a line break within a text as \\n."),
        ('{"a": "x\r\ny"}', "Write a line break within a text as \\n."),
        ('{"a": "x\ty"}', "Write a tab within a text as \\t."),
    ],
)
def test_the_place_of_an_error_tells_what_to_do(body: str, told: str) -> None:
    with pytest.raises(orjson.JSONDecodeError) as error:
        orjson.loads(body)
    assert why_not_json(error.value).endswith(f" {told}") or told in why_not_json(error.value)


@pytest.mark.parametrize(
    "body",
    ['{"a":,}', '{"a" 1}', '{"a": 1', '{"a": -\n1}', "hello", '{"a": "x\0"}', '{"a": "x\x01"}', ""],
)
def test_another_error_has_no_hint(body: str) -> None:
    with pytest.raises(orjson.JSONDecodeError) as error:
        orjson.loads(body)
    assert why_not_json(error.value).endswith(f"column {error.value.colno}.")


@pytest.mark.parametrize("coding", ["cp1251", "utf-16", "utf-16-le", "utf-16-be"])
async def test_a_file_that_is_not_utf_8_is_called_so_without_a_position(
    ann: Client, coding: str
) -> None:
    body = '{"email": "Привет"}'.encode(coding)
    answer = await ann.patch("/rest-auth/user/", data=body, headers=JSON)
    assert (answer.status, answer.json["code"]) == (400, "invalid_json")
    told = "The body is not JSON: it is not UTF-8. Save the file as UTF-8."
    assert answer.json["detail"] == told


async def test_the_mark_at_the_beginning_of_utf_8_is_skipped(
    ann: Client, telegram: Sandbox
) -> None:
    talk: Talker = await talker(ann, telegram)
    document = {"start": "a", "states": {"a": {"say": "Привет", "end": True}}}
    body = json.dumps(document, ensure_ascii=False).encode("utf-8-sig")
    headers = JSON | {"If-Match": "*"}
    answer = await ann.put(talk.path, data=body, headers=headers)
    assert (answer.status, answer.json.get("valid")) == (200, True)
    assert (await ann.get(talk.path)).json == document
    broken = await ann.put(talk.path, data=b"\xef\xbb\xbf{'a'}", headers=headers)
    assert "in line 1, column 2. Use double quotes" in broken.json["detail"]
