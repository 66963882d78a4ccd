"""docs/messages.md: its examples are messages, and become what it says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.server_process import ROOT

from dialogs.messages import parse, render

PAGE = (ROOT / "docs" / "messages.md").read_text()
EXAMPLES = [json.loads(one) for one in re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)]


@pytest.mark.parametrize("document", EXAMPLES, ids="-".join)
def test_an_example_can_be_sent(document: Any) -> None:
    assert render(parse(document))


def test_it_has_an_example_of_each_kind_that_needs_one() -> None:
    fields = {field for document in EXAMPLES for field in document}
    assert fields >= {"location", "contact", "buttons", "keyboard", "remove_keyboard"}


@pytest.mark.parametrize(
    ("field", "method"),
    [("location", "sendLocation"), ("contact", "sendContact"), ("media", "sendSticker")],
)
def test_a_text_beside_it_is_a_second_message_with_the_buttons(field: str, method: str) -> None:
    content = {
        "location": {"latitude": 52.52, "longitude": 13.405},
        "contact": {"phone_number": "+15551234567", "first_name": "Ann"},
        "media": {"type": "sticker", "file_id": "x"},
    }
    document = {"text": "Here.", "buttons": [[{"text": "Back", "go": "@back"}]]}
    first, second = render(parse(document | {field: content[field]}))
    assert (first.method, second.method) == (method, "sendMessage")
    assert "reply_markup" not in first.parameters
    assert second.parameters["reply_markup"]
