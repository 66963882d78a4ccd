"""Which call turns a message that was sent into another one."""

from __future__ import annotations

from typing import Any

import pytest

from dialogs.messages import Call, EditCode, NotEditable, edit_call, edit_calls, parse, render

PHOTO = {"type": "photo", "file_id": "p"}
VIDEO = {"type": "video", "file_id": "v"}
VOICE = {"type": "voice", "file_id": "o"}
STICKER = {"type": "sticker", "file_id": "s"}
BUTTONS = [[{"text": "x", "go": "y"}]]
INLINE = {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]}
CONTACT = {"phone_number": "+1", "first_name": "A"}


def call(**document: Any) -> Call:
    """The only call of a message."""
    (found,) = render(parse(document))
    return found


@pytest.mark.parametrize(
    ("sent", "new", "edit"),
    [
        (call(text="a"), call(text="a", silent=True), None),
        (call(text="a"), call(text="b"), Call("editMessageText", {"text": "b"})),
        (call(text="a"), call(text="**a**", format="markdown"),
         Call("editMessageText",
              {"text": "a", "entities": [{"type": "bold", "offset": 0, "length": 1}]})),
        (call(text="a"), call(text="b", buttons=BUTTONS, link_preview=False, reply_to=1),
         Call("editMessageText", {"text": "b", "reply_markup": INLINE,
                                  "link_preview_options": {"is_disabled": True}})),
        (call(text="a"), call(text="a", buttons=BUTTONS),
         Call("editMessageReplyMarkup", {"reply_markup": INLINE})),
        (call(text="a", buttons=BUTTONS), call(text="a"), Call("editMessageReplyMarkup", {})),
        (call(media=PHOTO), call(media=PHOTO, text="a"),
         Call("editMessageCaption", {"caption": "a"})),
        (call(media=VOICE, text="a"), call(media=VOICE),
         Call("editMessageCaption", {"caption": ""})),
        (call(media=PHOTO, text="a"), call(media=PHOTO, text="a", buttons=BUTTONS),
         Call("editMessageReplyMarkup", {"reply_markup": INLINE})),
        (call(media=PHOTO, text="a"), call(media=VIDEO, text="b", buttons=BUTTONS),
         Call("editMessageMedia", {"media": {"type": "video", "media": "v", "caption": "b"},
                                   "reply_markup": INLINE})),
        (call(text="a"), call(media=PHOTO),
         Call("editMessageMedia", {"media": {"type": "photo", "media": "p"}})),
        (Call("sendPhoto", {}), call(media=PHOTO),
         Call("editMessageMedia", {"media": {"type": "photo", "media": "p"}})),
        (call(media=STICKER), call(media=STICKER, buttons=BUTTONS),
         Call("editMessageReplyMarkup", {"reply_markup": INLINE})),
        (call(contact=CONTACT), call(contact=CONTACT), None),
        (call(media=[PHOTO, VIDEO], text="a"), call(media=[PHOTO, VIDEO], text="b"),
         Call("editMessageCaption", {"caption": "b"})),
        (call(media=[PHOTO, VIDEO]), call(media=[PHOTO, VIDEO]), None),
    ],
)  # fmt: skip
def test_a_message_is_edited(sent: Call, new: Call, edit: Call | None) -> None:
    assert edit_call(sent, new) == edit


@pytest.mark.parametrize(
    ("sent", "new", "code"),
    [
        (call(media=PHOTO), call(text="a"), EditCode.OTHER_CONTENT),
        (call(media=VOICE), call(media={**VOICE, "file_id": "2"}), EditCode.OTHER_CONTENT),
        (call(media=STICKER), call(media=PHOTO), EditCode.OTHER_CONTENT),
        (call(contact=CONTACT), call(text="a"), EditCode.OTHER_CONTENT),
        (call(text="a"), call(text="b", remove_keyboard=True), EditCode.KEYBOARD),
        (call(text="a", keyboard={"rows": [[{"text": "k"}]]}), call(text="b"), EditCode.KEYBOARD),
        (call(media=[PHOTO, VIDEO]), call(media=[VIDEO, PHOTO]), EditCode.ALBUM),
        (call(media=[PHOTO, VIDEO]), call(text="a"), EditCode.ALBUM),
        (Call("sendMediaGroup", {}, 2), call(media=[PHOTO, VIDEO]), EditCode.ALBUM),
    ],
)
def test_a_message_that_cannot_be_edited(sent: Call, new: Call, code: EditCode) -> None:
    with pytest.raises(NotEditable) as refused:
        edit_call(sent, new)
    assert refused.value.code is code
    assert str(refused.value).endswith(".")


def test_a_message_of_several_calls_is_edited_call_by_call() -> None:
    old = render(parse({"media": PHOTO, "text": "word " * 400}))
    new = render(parse({"media": PHOTO, "text": "word " * 399}))
    first, second = edit_calls(old, new)
    assert first is None
    assert second == Call("editMessageText", {"text": "word " * 195})
    with pytest.raises(NotEditable) as refused:
        edit_calls(old, new[:1])
    assert refused.value.code is EditCode.OTHER_NUMBER
