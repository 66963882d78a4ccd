"""A whole session with the client that openapi-python-client generates; its arguments are the
server's address and a token that Telegram knows."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Iterator

from botyard_client import AuthenticatedClient, Client
from botyard_client.api.accounts import (
    get_user,
    list_audit,
    list_sessions,
    login,
    logout,
    password_change,
    registration,
    replace_user,
)
from botyard_client.api.bots import (
    create_telegram_data,
    delete_telegram_data,
    get_telegram_data,
    list_telegram_data,
    replace_telegram_data,
    update_telegram_data,
)
from botyard_client.api.messages import (
    create_telegram_data_chats_messages,
    delete_telegram_data_message,
    get_telegram_data_message,
    update_telegram_data_message,
)
from botyard_client.api.operation import get_readyz
from botyard_client.models import (
    AuditEntryPage,
    Bot,
    BotChanges,
    BotInput,
    BotReplacement,
    BotStatusState,
    Login,
    LoginAnswer,
    Message,
    MessageContent,
    MessageContentAlbumItem,
    MessageContentAlbumItemType,
    MessageContentButton,
    MessageContentFormat,
    MessageContentLocation,
    MessageState,
    PasswordChange,
    Problem,
    ProblemCode,
    Readiness,
    Registration,
    User,
    UserReplacement,
    WrittenMessages,
)
from botyard_client.types import UNSET, Unset

CHAT = "1001"  # in which a user has written to the bot before it was added here
SECONDS = 60.0  # in which a message is sent
PASSWORD = "correct horse battery"
NEW = "staple battery horse"


def become(url: str) -> AuthenticatedClient:
    """Register, change the password and log in with it; a client with the key."""
    anonymous = Client(base_url=url)
    refused = registration.sync(client=anonymous, body=Registration(username="a b"))
    assert isinstance(refused, Problem)
    assert refused.code == ProblemCode.VALIDATION_FAILED
    body = Registration(username="Анна", password=PASSWORD)
    made = registration.sync(client=anonymous, body=body)
    assert isinstance(made, LoginAnswer)
    client = AuthenticatedClient(base_url=url, token=made.key)
    change = PasswordChange(old_password=PASSWORD, new_password1=NEW, new_password2=NEW)
    assert password_change.sync_detailed(client=client, body=change).status_code == 200
    entered = login.sync(client=anonymous, body=Login(username="Анна", password=NEW))
    assert isinstance(entered, LoginAnswer)
    assert entered.expires_at > datetime.datetime.now(datetime.UTC)
    return AuthenticatedClient(base_url=url, token=entered.key)


def see_account(client: AuthenticatedClient) -> None:
    """Change the account, and read it, its sessions and its log."""
    changed = replace_user.sync(client=client, body=UserReplacement(username="Anna"))
    user = get_user.sync(client=client)
    assert isinstance(user, User)
    assert user == changed
    assert user.username == "Anna"
    sessions = list_sessions.sync(client=client)
    assert isinstance(sessions, list)
    assert [session.current for session in sessions] == [True, False]
    page = list_audit.sync(client=client, page_size=1)
    assert isinstance(page, AuditEntryPage)
    assert page.count > len(page.results) == 1


def switch_bot(client: AuthenticatedClient, token: str) -> None:
    """Add a bot, switch it off and on, and delete it."""
    assert list_telegram_data.sync(client=client) == []
    made = create_telegram_data.sync(client=client, body=BotInput(token=token, title="Süß"))
    assert isinstance(made, Bot)
    assert made.status.state == BotStatusState.RUNNING
    off = update_telegram_data.sync(made.id, client=client, body=BotChanges(active=False))
    assert isinstance(off, Bot)
    assert off.status.state == BotStatusState.STOPPED
    kept = replace_telegram_data.sync(made.id, client=client, body=BotReplacement(token=token))
    assert isinstance(kept, Bot)
    assert (kept.title, kept.active) == ("Süß", False)
    on = update_telegram_data.sync(made.id, client=client, body=BotChanges(active=True))
    assert isinstance(on, Bot)
    assert on.status.state == BotStatusState.RUNNING
    write_messages(client, made.id)
    assert list_telegram_data.sync(client=client) == [
        get_telegram_data.sync(made.id, client=client)
    ]
    assert delete_telegram_data.sync_detailed(made.id, client=client).status_code == 204
    gone = get_telegram_data.sync(made.id, client=client)
    assert isinstance(gone, Problem)
    assert gone.code == ProblemCode.NOT_FOUND


def write_messages(client: AuthenticatedClient, bot: int) -> None:
    """Write to a chat, read what became of it, and edit and delete messages."""
    buttons = [[MessageContentButton(text="Track it", url="https://example.com/track/4711")]]
    markdown = MessageContentFormat.MARKDOWN
    hello = MessageContent(text="**Hello** from Python", format_=markdown, buttons=buttons)
    message = sent(client, bot, *written(client, bot, hello, key="hello"))
    assert (message.text, message.method) == ("Hello from Python", "sendMessage")
    assert message.parameters["entities"][0]["type"] == "bold"
    assert written(client, bot, hello, key="hello") == [message], "it is not written again"
    bye = MessageContent(text="Bye from Python", buttons=buttons)
    edited = update_telegram_data_message.sync(bot, message.id, client=client, body=bye)
    assert isinstance(edited, WrittenMessages)
    assert [item.text for item in edited.items] == ["Bye from Python"]
    assert get_telegram_data_message.sync(bot, message.id, client=client) == edited.items[0]
    photo = MessageContentAlbumItemType.PHOTO
    album = [MessageContentAlbumItem(type_=photo, file_id=name) for name in ("a", "b")]
    first, second = written(client, bot, MessageContent(media=album, text="Two"))
    assert (first.group_id, second.group_id) == (first.id, first.id)
    place = MessageContentLocation(latitude=52.52, longitude=13.405)
    (point,) = written(client, bot, MessageContent(location=place))
    point = sent(client, bot, point)
    deleted = delete_telegram_data_message.sync_detailed(bot, point.id, client=client)
    assert deleted.status_code == 204
    gone = get_telegram_data_message.sync(bot, point.id, client=client)
    assert isinstance(gone, Problem)
    wrong = create_telegram_data_chats_messages.sync(
        bot, CHAT, client=client, body=MessageContent()
    )
    assert isinstance(wrong, Problem)
    assert wrong.code == ProblemCode.VALIDATION_FAILED
    assert not isinstance(wrong.errors, Unset)


def written(
    client: AuthenticatedClient, bot: int, content: MessageContent, *, key: str | Unset = UNSET
) -> list[Message]:
    """Write a message, once the bot has read what the user wrote to it."""
    for _ in waiting():
        answer = create_telegram_data_chats_messages.sync(
            bot, CHAT, client=client, body=content, idempotency_key=key
        )
        if isinstance(answer, WrittenMessages):
            return answer.items
        assert isinstance(answer, Problem)
        assert answer.code == ProblemCode.NOT_FOUND, answer
    raise TimeoutError


def sent(client: AuthenticatedClient, bot: int, message: Message) -> Message:
    """Read a message until it is sent."""
    for _ in waiting():
        shown = get_telegram_data_message.sync(bot, message.id, client=client)
        assert isinstance(shown, Message)
        if shown.finished_at is not None:
            assert shown.state == MessageState.SENT, shown
            return shown
    raise TimeoutError


def waiting() -> Iterator[None]:
    """Go round until it took too long."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        yield
        time.sleep(0.05)


def main(url: str, token: str) -> None:
    """Do all of it, and log out."""
    client = become(url)
    see_account(client)
    switch_bot(client, token)
    assert isinstance(get_readyz.sync(client=Client(base_url=url)), Readiness)
    assert logout.sync_detailed(client=client).status_code == 200
    left = get_user.sync(client=client)
    assert isinstance(left, Problem)
    assert left.code == ProblemCode.INVALID_KEY
    print("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
