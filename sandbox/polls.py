"""sendPoll."""

from __future__ import annotations

import secrets
import time
from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import Message
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.sending import send
from sandbox.targets import read_chat
from sandbox.text import units
from sandbox.wording import read_text

MAX_QUESTION = 300  # UTF-16 code units
MAX_OPTION = 100
MAX_OPTIONS = 12
LAST_DATE = 0x7FFFFFFF  # dates of the Bot API have 32 bits


def send_poll(bot: SandboxBot, params: Params) -> Message:
    """sendPoll. Source: https://core.telegram.org/bots/api#sendpoll"""
    chat = read_chat(bot, params)
    question = _checked(
        *read_text(params, "question", mode="question_parse_mode", entities="question_entities"),
        name="question",
    )
    poll = {
        "id": str(secrets.randbits(62)),
        **question,
        "options": _options(params),
        "total_voter_count": 0,
        "is_closed": params.flag("is_closed"),
        "is_anonymous": params.flag("is_anonymous") if "is_anonymous" in params else True,
        "members_only": params.flag("members_only"),
        **_rules(params),
    }
    poll |= _end(params)
    return send(bot, "sendPoll", chat, params, {"poll": poll})


def _checked(text: str, entities: list[dict[str, Any]], *, name: str) -> dict[str, Any]:
    """Give the question or an option as its fields; the limits are in TDLib's PollManager."""
    words, longest = ("question", MAX_QUESTION) if name == "question" else ("options", MAX_OPTION)
    if not text:
        raise bad_request(f"poll {words} must be non-empty")
    if units(text) > longest:
        raise bad_request(f"poll {words} length must not exceed {longest}")
    return {name: text, f"{name}_entities": entities} if entities else {name: text}


def _options(params: Params) -> list[dict[str, Any]]:
    given = params.decoded("options", what="options")
    if not isinstance(given, list):
        raise bad_request("expected an Array of String as options")
    if not given:
        raise bad_request("poll must have at least 1 option")
    if len(given) > MAX_OPTIONS:
        raise bad_request(f"poll can't have more than {MAX_OPTIONS} options")
    return [_option(one, number) for number, one in enumerate(given)]


def _option(given: Any, number: int) -> dict[str, Any]:
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, dict):
        raise bad_request("expected an option to be of type String")
    option = Params(given, {})
    text, entities = read_text(option, mode="text_parse_mode", entities="text_entities")
    checked = _checked(text, entities, name="text")
    return {"persistent_id": str(number), **checked, "voter_count": 0}


def _rules(params: Params) -> dict[str, Any]:
    kind = params.text("type") or "regular"
    if kind not in {"regular", "quiz"}:
        raise bad_request("unsupported poll type specified")
    several = params.flag("allows_multiple_answers")
    rules: dict[str, Any] = {"type": kind, "allows_multiple_answers": several}
    if kind == "regular":
        revoting = params.flag("allows_revoting") if "allows_revoting" in params else True
        return {**rules, "allows_revoting": revoting}
    rules |= {"allows_revoting": params.flag("allows_revoting")}
    rules["correct_option_ids"] = _correct(params)
    explanation, entities = read_text(
        params, "explanation", mode="explanation_parse_mode", entities="explanation_entities"
    )
    if explanation:
        rules["explanation"] = explanation
    if entities:
        rules["explanation_entities"] = entities
    return rules


def _correct(params: Params) -> list[int]:
    """Read the right answers of a quiz, by today's parameter or the one before Bot API 9.6."""
    given = params.decoded("correct_option_ids", what="correct option identifiers")
    if given is None:
        given = [params.integer("correct_option_id", -1)]
    count = len(params.decoded("options", what="options"))
    if not isinstance(given, list) or not given:
        raise bad_request("wrong correct option ID specified")
    if not all(isinstance(one, int) and 0 <= one < count for one in given):
        raise bad_request("wrong correct option ID specified")
    return given


def _end(params: Params) -> dict[str, int]:
    period = params.between("open_period", 0, 600)
    date = params.between("close_date", 0, LAST_DATE)
    if period:
        return {"open_period": period, "close_date": int(time.time()) + period}
    return {"close_date": date} if date else {}
