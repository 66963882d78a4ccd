"""python-telegram-bot parses what the sandbox answers, method by method."""

from __future__ import annotations

import pytest
from telegram import (
    Bot,
    ChatMemberMember,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    InputPollOption,
    Message,
    MessageOriginUser,
)
from telegram.constants import DiceEmoji, ReactionEmoji
from telegram.error import BadRequest, Forbidden

from sandbox import Sandbox, SandboxBot

pytestmark = pytest.mark.usefixtures("chat_id")


async def test_dice(ptb: Bot) -> None:
    for emoji in DiceEmoji:
        message = await ptb.send_dice(7, emoji=emoji)
        assert message.dice is not None
        assert message.dice.emoji == emoji


async def test_location_venue_and_contact(ptb: Bot) -> None:
    location = (await ptb.send_location(7, 40.7, -74.0, live_period=600, heading=90)).location
    assert location is not None
    assert (location.latitude, location.heading) == (40.7, 90)
    venue = (await ptb.send_venue(7, 40.7, -74.0, "Office", "1 Main St")).venue
    assert venue is not None
    assert (venue.title, venue.location.longitude) == ("Office", -74.0)
    contact = (await ptb.send_contact(7, "+15550100", "Ann", last_name="B")).contact
    assert contact is not None
    assert (contact.phone_number, contact.last_name) == ("+15550100", "B")


async def test_an_album_of_uploads(ptb: Bot) -> None:
    album = await ptb.send_media_group(
        7,
        [
            InputMediaPhoto(b"photo", caption="one", has_spoiler=True),
            InputMediaVideo(b"video", width=5, height=6, duration=7, thumbnail=b"tiny"),
        ],
    )
    assert len({message.media_group_id for message in album}) == 1
    assert album[0].caption == "one"
    assert album[0].has_media_spoiler
    photo = await album[0].photo[-1].get_file()
    assert await photo.download_as_bytearray() == b"photo"
    assert album[1].video is not None
    assert (album[1].video.width, album[1].video.height) == (5, 6)
    assert album[1].video.thumbnail is not None
    video = await album[1].video.get_file()
    assert await video.download_as_bytearray() == b"video"


async def test_an_album_of_documents_with_one_caption(ptb: Bot) -> None:
    media = [InputMediaDocument(b"a", filename="a.txt"), InputMediaDocument(b"b", filename="b")]
    album = await ptb.send_media_group(7, media, caption="both")
    assert [message.caption for message in album] == ["both", None]
    assert [message.document and message.document.file_name for message in album] == ["a.txt", "b"]


async def test_uploaded_files(ptb: Bot) -> None:
    video = (await ptb.send_video(7, b"v", width=5, height=6, duration=7)).video
    animation = (await ptb.send_animation(7, b"n", width=5, height=6)).animation
    audio = (await ptb.send_audio(7, b"a", performer="Band", title="Song")).audio
    voice = (await ptb.send_voice(7, b"o", duration=3)).voice
    sticker = (await ptb.send_sticker(7, b"s", emoji="😀")).sticker
    for data, file in (
        (b"v", video),
        (b"n", animation),
        (b"a", audio),
        (b"o", voice),
        (b"s", sticker),
    ):
        assert file is not None
        assert await (await file.get_file()).download_as_bytearray() == data
    assert video is not None
    assert video.width == 5
    assert audio is not None
    assert (audio.performer, audio.title) == ("Band", "Song")
    assert sticker is not None
    assert (sticker.emoji, sticker.type) == ("😀", "regular")


async def test_a_known_file_is_sent_again(ptb: Bot) -> None:
    video = (await ptb.send_video(7, b"v", width=5)).video
    assert video is not None
    assert (await ptb.send_video(7, video)).video == video


async def test_forward_and_copy(ptb: Bot, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.send_message(bot.id, text="hello", chat_id=8, first_name="Bo")
    forward = await ptb.forward_message(7, 8, 1)
    assert isinstance(forward.forward_origin, MessageOriginUser)
    assert forward.forward_origin.sender_user.first_name == "Bo"
    copied = await ptb.copy_message(7, 8, 1)
    assert copied.message_id == forward.message_id + 1
    assert sandbox.sent(bot.id)[-1].message["text"] == "hello"


async def test_an_edited_caption(ptb: Bot) -> None:
    message = await ptb.send_photo(7, b"photo", caption="old")
    edited = await message.edit_caption("new")
    assert isinstance(edited, Message)
    assert edited.caption == "new"
    with pytest.raises(BadRequest, match="Message is not modified"):
        await message.edit_caption("new")


async def test_reaction_pins_chat_and_member(ptb: Bot, bot: SandboxBot) -> None:
    assert await ptb.set_message_reaction(7, 1, ReactionEmoji.FIRE)
    assert await ptb.pin_chat_message(7, 1)
    pinned = (await ptb.get_chat(7)).pinned_message
    assert pinned is not None
    assert pinned.message_id == 1
    *_, update = await ptb.get_updates(timeout=5)
    assert update.message is not None
    assert update.message.pinned_message is not None
    assert await ptb.unpin_chat_message(7)
    assert (await ptb.get_chat(7)).pinned_message is None
    member = await ptb.get_chat_member(7, 7)
    assert isinstance(member, ChatMemberMember)
    assert (member.user.id, member.user.first_name) == (7, "Ann")


async def test_poll_and_quiz(ptb: Bot) -> None:
    options = ["Yes", InputPollOption("No")]
    poll = (await ptb.send_poll(7, "Well?", options, allows_multiple_answers=True)).poll
    assert poll is not None
    assert [option.text for option in poll.options] == ["Yes", "No"]
    assert poll.allows_multiple_answers
    quiz = (await ptb.send_poll(7, "2 + 2?", ["3", "4"], type="quiz", correct_option_ids=[1])).poll
    assert quiz is not None
    assert (quiz.type, quiz.correct_option_ids) == ("quiz", (1,))


async def test_a_blocked_user_is_forbidden(ptb: Bot, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.block(bot.id, 7)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await ptb.send_dice(7)
