"""The list of all tables of an installation, for uses such as copying the database."""

from __future__ import annotations

from models.accounts.audit import Entry
from models.accounts.email_tokens import EmailToken
from models.accounts.known_networks import KnownNetwork
from models.accounts.sessions import Session
from models.accounts.users import User
from models.bots.tables import Bot, Run
from models.dialogs.tables import (
    ConversationRow,
    ConversationStep,
    DialogStep,
    Menu,
    PersonTag,
    ScenarioDraft,
    ScenarioTests,
    ScenarioVersion,
)
from models.engine.base import BaseModel
from models.installation import InstallationFact
from models.messaging.chats import Chat
from models.messaging.idempotency import IdempotencyKey
from models.messaging.media import Media, MediaPiece
from models.messaging.messages import EarlierText, Message
from models.messaging.updates import Update

# of what runs now, which a copy has no use for
NOT_COPIED = frozenset({"processes", "calls"})
# each table comes after those that its foreign keys refer to
TABLES: tuple[type[BaseModel], ...] = (
    InstallationFact,
    User,
    Session,
    EmailToken,
    KnownNetwork,
    Entry,
    Bot,
    Run,
    Update,
    Chat,
    Message,
    EarlierText,
    IdempotencyKey,
    Media,
    MediaPiece,
    ScenarioDraft,
    ScenarioTests,
    ScenarioVersion,
    Menu,
    ConversationRow,
    ConversationStep,
    DialogStep,
    PersonTag,
)
