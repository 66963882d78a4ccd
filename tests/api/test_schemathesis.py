"""Schemathesis takes the API document at its word: every answer must be as it says."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from support.client import BOTS, Client, register

from sandbox import Sandbox

Document = dict[str, Any]
SECONDS = 200  # in which a run must end; it takes about ten, and ten times that under load
pytestmark = [pytest.mark.early, pytest.mark.timeout(SECONDS + 60)]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
HOOKS = '''
import schemathesis

@schemathesis.check
def code_is_documented(ctx, response, case):
    """A problem has one of the codes that the document names for this operation and status."""
    if not response.headers.get("content-type", [""])[0].startswith("application/problem+json"):
        return
    answers = case.operation.definition.raw["responses"]
    answer = answers.get(str(response.status_code))
    if answer is not None:
        problem = response.json()
        assert problem["status"] == response.status_code
        assert problem["code"] in answer["content"]["application/problem+json"]["examples"]
'''
# What ends the session or locks its owner out is tried with a session of its own, below.
ENDS_SESSION = ("logout", "delete_user", "password_change", "delete_session")


async def fuzz(
    tmp_path: Path, document: Document, client: Client, *options: str, examples: int = 12
) -> str:
    """Run schemathesis with the client's key; what it says.

    Args:
        options: of its command line.
        examples: how many requests it makes up for each operation and phase.
    """
    given, hooks = tmp_path / "openapi.json", tmp_path / "hooks.py"
    given.write_text(json.dumps(document))
    hooks.write_text(HOOKS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", str(given), "--url", client.url),
        *("--header", f"Authorization: Bearer {client.key}"),
        *("--checks", ",".join((*CHECKS, "code_is_documented"))),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", str(examples)),
        *("--seed", "1", "--generation-deterministic"),
        *("--no-color", "--continue-on-failure", "--no-shrink", *options),
        cwd=tmp_path,
        env={"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path), "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = output.decode()
    assert process.returncode == 0, said
    return said


@pytest.fixture
async def document(anonymous: Client) -> Document:
    """The server's document, read strictly: an answer has no field that it does not describe."""
    document: Document = (await anonymous.get("/openapi.json")).json
    bodies = json.dumps(
        [
            operation.get("requestBody")
            for path in document["paths"].values()
            for operation in path.values()
        ]
    )
    for name, schema in document["components"]["schemas"].items():
        if f'"#/components/schemas/{name}"' not in bodies:
            schema["additionalProperties"] = False
    sentences = {"type": "array", "items": {"type": "string"}}
    document["components"]["schemas"]["Problem"]["additionalProperties"] = sentences
    return document


def without_streams(document: Document) -> Document:
    """The document without what answers for as long as somebody listens."""
    for operations in document["paths"].values():
        for method in list(operations):
            answer = operations[method]["responses"].get("200", {})
            if "text/event-stream" in answer.get("content", {}):
                del operations[method]
    return document


def with_known(document: Document, *, tokens: list[str], bot: dict[str, Any]) -> Document:
    """The document with what no reader can guess: tokens that Telegram knows, a bot's id."""
    schemas = document["components"]["schemas"]
    for name in ("BotInput", "BotReplacement", "BotChanges"):
        schemas[name]["properties"]["token"] = {"type": "string", "enum": tokens}
    for name in ("BotInput", "BotReplacement"):
        schemas[name]["examples"] = [{"token": token, "title": "Süß"} for token in tokens]
    schemas["BotChanges"]["examples"] = [{"title": "☕", "active": False}, {"active": True}, {}]
    for path, operations in document["paths"].items():
        for operation in operations.values() if path.startswith(BOTS + "{bot_id}/") else ():
            parameter = operation["parameters"][0]
            known = {"type": "integer", "enum": list(range(1, 9)), "examples": [bot["id"]]}
            parameter["schema"] = {"anyOf": [known, parameter["schema"]]}
    return document


@pytest.mark.slow
async def test_bots_answer_as_documented(
    tmp_path: Path, document: Document, ann: Client, bob: Client, telegram: Sandbox
) -> None:
    bot = await ann.add_bot(telegram.add_bot(), title="Known")
    foreign = telegram.add_bot()
    await bob.add_bot(foreign)
    tokens = [*(telegram.add_bot().token for _ in range(3)), foreign.token, "99999:" + "x" * 35]
    known = with_known(without_streams(document), tokens=tokens, bot=bot)
    await fuzz(tmp_path, known, ann, "--include-tag", "Bots")
    assert (await ann.get("/rest-auth/user/")).json["username"] == "ann"


@pytest.mark.slow
async def test_accounts_answer_as_documented(
    tmp_path: Path, document: Document, ann: Client
) -> None:
    excluded = [word for name in ENDS_SESSION for word in ("--exclude-operation-id", name)]
    await fuzz(tmp_path, document, ann, "--include-tag", "Accounts", *excluded)


@pytest.mark.slow
@pytest.mark.parametrize("operation", ENDS_SESSION)
async def test_what_ends_a_session_answers_as_documented(
    tmp_path: Path, document: Document, anonymous: Client, operation: str
) -> None:
    client = await register(anonymous)
    await fuzz(tmp_path, document, client, "--include-operation-id", operation, examples=5)


@pytest.mark.slow
async def test_administration_answers_as_documented(
    tmp_path: Path, document: Document, root: Client, ann: Client, telegram: Sandbox
) -> None:
    await ann.add_bot(telegram.add_bot())
    await fuzz(tmp_path, document, root, "--include-tag", "Administration")


async def test_operation_answers_as_documented(
    tmp_path: Path, document: Document, anonymous: Client
) -> None:
    await fuzz(tmp_path, document, anonymous, "--include-tag", "Operation")
