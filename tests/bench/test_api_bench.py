"""The pure parts of the benchmark of the API: wrk's input and output, ratios, the table."""

from __future__ import annotations

import json

import pytest

from bench.api_table import api_table, ratio
from bench.wrk import Answers, parse, request, requests_file

RESULT = {
    "requests": 900, "seconds": 3.0, "p50_ms": 1.5, "p99_ms": 9.0,
    "refused": 0, "status": 0, "connect": 0, "read": 0, "write": 0, "timeout": 0,
}  # fmt: skip


def output(**changed: int) -> str:
    """Output of wrk: its own lines around ours."""
    return f"Running 3s test\n  900 requests in 3.00s\n{json.dumps(RESULT | changed)}\n".replace(
        '": ', '":'
    )


def test_the_result_is_found_among_the_lines_of_wrk() -> None:
    answers = parse(output())
    assert answers == Answers(requests=900, seconds=3.0, p50_ms=1.5, p99_ms=9.0)
    assert answers.per_second == 300.0


def test_answers_that_are_not_2xx_fail() -> None:
    with pytest.raises(RuntimeError, match="7 of 900 answers were no 2xx; the first was 429"):
        parse(output(refused=7, status=429))


@pytest.mark.parametrize("error", ["connect", "read", "write", "timeout"])
def test_errors_of_connections_fail(error: str) -> None:
    with pytest.raises(RuntimeError, match=f"'{error}': 1"):
        parse(output(**{error: 1}))


def test_output_without_a_result_fails_and_is_shown() -> None:
    with pytest.raises(RuntimeError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_a_request_has_its_length_in_bytes_and_stands_alone_in_the_file() -> None:
    patch = request("PATCH", "/x/1/", port=80, authorization="Bearer k", body={"title": "Bot\n1"})
    head, _, body = patch.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"PATCH /x/1/ HTTP/1.1", b"Host: 127.0.0.1:80", b"Accept: application/json",
        b"Authorization: Bearer k", b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    ]  # fmt: skip
    assert json.loads(body) == {"title": "Bot\n1"}
    get = request("GET", "/x/", port=80)
    assert b"Content" not in get
    assert b"Authorization" not in get
    file = requests_file([patch, get])
    assert file == b"%d\n%b%d\n%b" % (len(patch), patch, len(get), get)


def test_ratios_above_one_are_in_favour_of_botyard_whatever_is_measured() -> None:
    assert ratio([1.0, 1.0, 2.0], [3.0, 2.0, 2.0], larger=False) == "2.00"
    assert ratio([300.0], [100.0], larger=True) == "3.00"
    assert ratio([], [100.0], larger=True) == ""
    assert ratio([300.0], [0.0], larger=True) == ""


def test_the_table_has_medians_and_ratios_of_what_was_measured() -> None:
    django = {"cpu_ms": [2.0, 3.0, 9.0], "per_second": [400.0, 300.0, 100.0]}
    ours = {"cpu_ms": [1.0, 1.0, 1.0], "per_second": [800.0, 900.0, 700.0]}
    two = {"per_second": [500.0, 600.0, 700.0]}
    table = api_table({"one_16": {"botyard": ours, "django": django, "django_2": two}})
    lines = [line.split("  ") for line in table.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert cells[0] == [
        "Django, 1 worker", "2 workers, 2 cores", "Botyard", "x 1 worker", "x 2 workers"
    ]  # fmt: skip
    assert cells[2:] == [
        ["GET one, 16 conn.: CPU per request, ms", "3.00", "1.00", "3.00"],
        ["GET one, 16 conn.: requests/s", "300.0", "600.0", "800.0", "3.00", "1.50"],
    ]
