"""Names that an object in a document has more than once."""

from __future__ import annotations

import time

import orjson
import pytest

from dialogs.scenarios import InvalidText, Problem, check_names, template, template_names
from dialogs.scenarios.problems import MAX_PROBLEMS

SIZE = 512 * 1024  # bytes of the largest body


def problems(text: str) -> list[Problem]:
    """What is wrong with the names in a text."""
    orjson.loads(text)  # only what it can read is searched
    try:
        check_names(text.encode())
    except InvalidText as error:
        return error.problems
    return []


@pytest.mark.parametrize("name", template_names())
def test_a_document_without_any_is_let_through(name: str) -> None:
    check_names(orjson.dumps(template(name), option=orjson.OPT_INDENT_2))


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        ('{"a": 1, "a": 1}', {"/a"}),
        ('{"a": 1, "\\u0061": 2}', {"/a"}),
        ('{"a": {"x": 1, "x": 2}, "b": [0, {"y": 1, "y": 2, "z": 3}]}', {"/a/x", "/b/1/y"}),
        ('{"a": {"x": 1, "x": 2}, "a": 5}', {"/a", "/a/x"}),
        ('{"a/b": {"~": 1, "~": 2}}', {"/a~1b/~0"}),
        ('{"a": 1, "A": 2, "b": {"a": 3}}', set()),
        (f'{{"a": {"9" * 300}}}', set()),
    ],
)
def test_each_is_reported_with_its_place(text: str, pointers: set[str]) -> None:
    found = problems(text)
    assert {one.pointer for one in found} == pointers
    assert {one.code for one in found} <= {"repeated_name"}


def test_the_sentence_tells_name_and_object() -> None:
    [problem] = problems('{"states": {"hello": {"say": "1", "say": "2", "say": "3"}}}')
    assert problem.message == (
        '"say" stands 3 times in state "hello", and only the last one would count. Give the '
        "others another name, or remove them."
    )


@pytest.mark.parametrize("depth", [30, 900, 1010])
def test_one_that_hides_deep_values_is_refused(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    [problem] = problems(f'{{"a": {deep}, "a": 1}}')
    assert (problem.pointer, problem.code) in {("/a", "repeated_name"), ("", "too_deep")}


def test_one_that_lies_too_deep_is_refused() -> None:
    [problem] = problems("[" * 100 + '{"a": 1, "a": 2}' + "]" * 100)
    assert (problem.pointer, problem.code) == ("", "too_deep")


@pytest.mark.parametrize(
    "text",
    [
        "{" + ", ".join(['"a": 1'] * (SIZE // 8)) + "}",
        "{" + ", ".join(f'"{n // 2}": 1' for n in range(SIZE // 12)) + "}",
        "[" + ", ".join(['{"a":1,"a":1}'] * (SIZE // 15)) + "]",
        "[" * 900 + ",".join(["[{}]"] * (SIZE // 5)) + ',{"a":1,"a":1}' + "]" * 900,
    ],
    ids=["one name", "many names", "many objects", "deep"],
)
def test_the_largest_bodies_are_searched_in_a_moment(text: str) -> None:
    began = time.process_time()
    assert 1 <= len(problems(text)) <= MAX_PROBLEMS
    assert time.process_time() - began < 2  # seconds
