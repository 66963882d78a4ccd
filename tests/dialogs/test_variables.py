"""Variables are filled in after parsing: no value becomes markup."""

from __future__ import annotations

import pytest

from dialogs.messages import Call, parse, render, variable_names
from dialogs.messages.variables import MAX_VALUES, Values, clean


def text_of(document: dict[str, object], variables: dict[str, str] | None) -> dict[str, object]:
    """The parameters of the only call of a message."""
    (call,) = render(parse(document), variables)
    return call.parameters


def markdown(text: str, **variables: str) -> dict[str, object]:
    return text_of({"text": text, "format": "markdown"}, variables)


@pytest.mark.parametrize(
    "value", ["**b** `c` [x](https://a.b)", "||x||", "# h", "> q", "{{y}}", "<b>", "\\", "a\nb"]
)
def test_a_value_is_no_markup(value: str) -> None:
    assert markdown("Hi {{x}}!", x=value, y="no") == {"text": f"Hi {value}!"}
    assert text_of({"text": "Hi {{x}}!"}, {"x": value, "y": "no"}) == {"text": f"Hi {value}!"}


def test_a_variable_is_recognized_before_emphasis() -> None:
    found = markdown("*{{a_b_c}}* __{{ a_b }}__ {{_a}}{{a_}}", a_b_c="1", a_b="2", _a="3", a_="4")
    assert found == {
        "text": "1 2 34",
        "entities": [
            {"type": "italic", "offset": 0, "length": 1},
            {"type": "bold", "offset": 2, "length": 1},
        ],
    }


def test_variables_are_filled_into_code() -> None:
    found = markdown("`a {{x}}`\n```\n{{x}}\n```", x="`*")
    assert found["text"] == "a `*\n`*"
    assert [one["type"] for one in found["entities"]] == ["code", "pre"]  # type: ignore[attr-defined]


def test_variables_are_percent_encoded_in_links() -> None:
    found = markdown("[{{x}}](https://a.b/{{x}}?q={{x}}) <https://a.b/{{x}}>", x="я/&) [")
    encoded = "%D1%8F%2F%26%29%20%5B"
    assert found["text"] == "я/&) [ https://a.b/я/&) ["
    urls = [one["url"] for one in found["entities"]]  # type: ignore[attr-defined]
    assert urls == [f"https://a.b/{encoded}?q={encoded}", f"https://a.b/{encoded}"]


def test_a_variable_alone_can_be_the_whole_target() -> None:
    found = markdown("[pay]({{url}})", url="https://pay.example/1?a=b c")
    (entity,) = found["entities"]  # type: ignore[misc]
    assert entity["url"] == "https://pay.example/1?a=b%20c"


@pytest.mark.parametrize(
    "url", ["", "javascript:x", "tg://resolve", "no", "https://a.b/" + "x" * 3000]
)
def test_a_target_that_is_no_web_address_is_no_link(url: str) -> None:
    assert markdown("[pay]({{url}})", url=url) == {"text": "pay"}


def test_escaped_braces_are_no_variable() -> None:
    assert markdown(r"\{{x}} {{1}} {{}} {x}", x="no") == {"text": "{{x}} {{1}} {{}} {x}"}


def test_without_variables_everything_stays_as_written() -> None:
    assert text_of({"text": "a {{ x }}"}, None) == {"text": "a {{ x }}"}
    found = text_of(
        {"text": "{{x}} `{{x}}` [a](https://b/{{x}}) [c]({{x}})", "format": "markdown"}, None
    )
    assert found["text"] == "{{x}} {{x}} a c"
    assert found["entities"][1]["url"] == "https://b/{{x}}"  # type: ignore[index]


def test_a_missing_variable_shows_nothing() -> None:
    assert markdown("a {{x}}b") == {"text": "a b"}
    assert render(parse({"text": "{{x}}"}), {}) == []


def test_an_empty_value_leaves_no_empty_lines_and_no_entity() -> None:
    assert markdown("a\n\n**{{x}}**\n\nb") == {"text": "a\n\nb"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a\0b\x07c\x1b\x7f", "abc"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("\ud800x\udc00", "\ufffdx\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\u202eRTL\u200b", "\u202eRTL\u200b"),
    ],
)
def test_values_are_cleaned(value: str, kept: str) -> None:
    assert clean(value) == kept


def test_values_have_a_limit_together() -> None:
    values = Values({"x": "x" * 5000})
    lengths = [len(values.fill("{{x}}")) for _ in range(10)]
    assert lengths[0] == 4096
    assert sum(lengths) == MAX_VALUES


def test_variables_are_filled_into_buttons_media_and_contacts() -> None:
    message = parse({
        "text": "x",
        "media": {"type": "photo", "url": "https://a.b/{{x}}.png"},
        "buttons": [[
            {"text": "{{x}}", "url": "{{url}}"},
            {"text": "b", "copy": "{{x}}"},
            {"text": "c", "url": "https://a.b/{{x}}"},
            {"text": "d", "web_app": "{{url}}"},
        ]],
    })  # fmt: skip
    (call,) = render(message, {"x": "1 *\n2", "url": "https://c.d"})
    assert call.parameters["photo"] == "https://a.b/1%20%2A%0A2.png"
    assert call.parameters["reply_markup"]["inline_keyboard"] == [[
        {"text": "1 * 2", "url": "https://c.d"},
        {"text": "b", "copy_text": {"text": "1 *\n2"}},
        {"text": "c", "url": "https://a.b/1%20%2A%0A2"},
        {"text": "d", "web_app": {"url": "https://c.d"}},
    ]]  # fmt: skip
    assert variable_names(message) == {"x", "url"}


def test_buttons_that_variables_leave_empty_are_left_out() -> None:
    message = parse({
        "text": "x",
        "buttons": [
            [{"text": "{{x}}", "go": "a"}, {"text": "b", "url": "{{x}}"}],
            [{"text": "c", "web_app": "{{url}}"}, {"text": "d", "copy": "{{x}}"}],
        ],
    })  # fmt: skip
    (call,) = render(message, {"x": " ", "url": "http://not.https"})
    assert "reply_markup" not in call.parameters


NO_FILES = [
    "file:///etc/passwd", "/etc/passwd", "attach://file", "AgAC id", "AgAC\n", "", '{"upload": 7}',
    "http://a.b/c.png",
]  # fmt: skip


@pytest.mark.parametrize("value", NO_FILES)
@pytest.mark.parametrize("field", ["file_id", "url"])
def test_a_message_is_sent_without_a_file_that_variables_name_wrongly(
    field: str, value: str
) -> None:
    file, photo = {"type": "document", field: "{{f}}"}, {"type": "photo", "file_id": "AgAC-_1"}
    alone = parse({"text": "Yours.", "media": file, "buttons": [[{"text": "a", "go": "b"}]]})
    (call,) = render(alone, {"f": value})
    assert (call.method, call.parameters["text"]) == ("sendMessage", "Yours.")
    assert "reply_markup" in call.parameters
    assert render(parse({"media": file}), {"f": value}) == []
    album = parse({"text": "Yours.", "media": [{"type": "video", field: "{{f}}"}, photo, photo]})
    (call,) = render(album, {"f": value})
    one = {"type": "photo", "media": "AgAC-_1"}
    assert call.parameters["media"] == [{**one, "caption": "Yours."}, one]
    pair = parse({"text": "Yours.", "media": [{"type": "video", field: "{{f}}"}, photo]})
    (call,) = render(pair, {"f": value})
    assert call == Call("sendPhoto", {"photo": "AgAC-_1", "caption": "Yours."})


def test_files_are_named_by_variables() -> None:
    named = parse({"media": [
        {"type": "photo", "file_id": "{{ f }}"}, {"type": "photo", "file_id": "Ag{{f}}"},
        {"type": "photo", "url": "{{u}}"},
    ]})  # fmt: skip
    (call,) = render(named, {"f": "AC-_1", "u": "https://a.b/{{f}}"})
    files = [one["media"] for one in call.parameters["media"]]
    assert files == ["AC-_1", "AgAC-_1", "https://a.b/{{f}}"]


def test_a_contact_without_a_name_has_its_number_for_one() -> None:
    message = parse({"contact": {"phone_number": "{{p}}", "first_name": "{{n}}"}})
    (call,) = render(message, {"p": "+123"})
    assert call.parameters == {"phone_number": "+123", "first_name": "+123"}
    assert render(message, {"n": "Ann"}) == []
