"""The tables of dialogs."""

from __future__ import annotations

import peewee

from models.accounts.users import User
from models.bots.tables import Bot
from models.engine.base import BaseModel, UTCDateTimeField


class ScenarioDraft(BaseModel):
    """The scenario that an owner works on; any JSON object.

    `revision` counts the changes, so that nobody overwrites what they have not seen.
    """

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", primary_key=True, index=False)
    draft = peewee.BlobField()
    revision = peewee.IntegerField()
    updated_at = UTCDateTimeField()
    updated_by = peewee.ForeignKeyField(User, null=True, on_delete="SET NULL", index=False)

    class Meta:
        table_name = "scenarios"


class ScenarioTests(BaseModel):
    """The tests of a scenario: a list of documents as JSON."""

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", primary_key=True, index=False)
    tests = peewee.BlobField()

    class Meta:
        table_name = "scenario_tests"


class ScenarioVersion(BaseModel):
    """A published scenario; a row never changes. `bots.scenario_version` is the present one.

    Talks of versions before `restarts_before` begin anew.
    """

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    n = peewee.IntegerField()
    document = peewee.BlobField()
    note = peewee.CharField(max_length=500)
    restarts_before = peewee.IntegerField()
    created_at = UTCDateTimeField()
    author = peewee.ForeignKeyField(User, null=True, on_delete="SET NULL", index=False)

    class Meta:
        table_name = "scenario_versions"
        primary_key = peewee.CompositeKey("bot", "n")


class Menu(BaseModel):
    """The menu that Telegram shows for a bot; see `models.dialogs.menus`.

    A bot has none until a version of its scenario has `commands`. `version` is the version whose
    menu is to be set, and `set_version` the last one whose menu was. `languages` is a list as JSON:
    those in which Telegram may show a menu of ours, "" for the others. `refused` is a list as JSON.
    """

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", primary_key=True, index=False)
    version = peewee.IntegerField()
    set_version = peewee.IntegerField()
    languages = peewee.TextField()
    refused = peewee.TextField()
    at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "menus"


class ConversationRow(BaseModel):
    """Where a talk stands: `dialogs.scenarios.Conversation` as JSON.

    `topic_id` is 0 outside of a forum's topics. There is an index of (bot, user), too, for talks
    outside of private chats.
    """

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    chat_id = peewee.BigIntegerField()
    user_id = peewee.BigIntegerField()
    topic_id = peewee.BigIntegerField()
    version = peewee.IntegerField()
    state = peewee.BlobField()
    updated_at = UTCDateTimeField()

    class Meta:
        table_name = "conversations"
        primary_key = peewee.CompositeKey("bot", "chat_id", "user_id", "topic_id")
        indexes = ((("bot", "version"), False),)


class ConversationStep(BaseModel):
    """What an update led to in a talk: `steps` are JSON, see `runner.scenarios.talks`."""

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    chat_id = peewee.BigIntegerField()
    user_id = peewee.BigIntegerField()
    topic_id = peewee.BigIntegerField()
    update_id = peewee.BigIntegerField()
    version = peewee.IntegerField()
    steps = peewee.BlobField()
    at = UTCDateTimeField(index=True)

    class Meta:
        table_name = "conversation_steps"
        primary_key = peewee.CompositeKey("bot", "chat_id", "user_id", "topic_id", "update_id")


class DialogStep(BaseModel):
    """How often a step was taken on a day (UTC); `dialogs.scenarios.effects.Log` has the words.

    Nothing in it tells who took it.
    """

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    day = peewee.DateField(index=True)
    version = peewee.IntegerField()
    state = peewee.TextField()
    transition = peewee.TextField()
    to_state = peewee.TextField()
    count = peewee.BigIntegerField()

    class Meta:
        table_name = "dialog_steps"
        primary_key = peewee.CompositeKey(
            "bot", "day", "version", "state", "transition", "to_state"
        )


class PersonTag(BaseModel):
    """A tag that a person has with a bot; `person_id` is Telegram's id of the user."""

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    person_id = peewee.BigIntegerField()
    tag = peewee.CharField(max_length=64)
    given_at = UTCDateTimeField()

    class Meta:
        table_name = "person_tags"
        primary_key = peewee.CompositeKey("bot", "person_id", "tag")
        indexes = ((("bot", "tag"), False),)
