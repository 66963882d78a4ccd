"""Messages that go out, and the chats of each bot."""

import peewee as pw
from playhouse.sqlite_ext import AutoIncrementField

_KEEP_BLOCKED = """
INSERT INTO chats (bot_id, chat_id, first_seen_at, blocked_at)
SELECT bot_id, chat_id, blocked_at, blocked_at FROM blocked_chats
"""
_BLOCKED_BACK = """
INSERT INTO blocked_chats (bot_id, chat_id, blocked_at)
SELECT bot_id, chat_id, blocked_at FROM chats WHERE blocked_at IS NOT NULL
"""


def migrate(migrator, database, *, fake=False):
    """Create the tables; chats that blocked a bot move to theirs."""
    Bot, User = migrator.orm["bots"], migrator.orm["users"]  # noqa: N806 - classes
    id_field = AutoIncrementField if isinstance(database, pw.SqliteDatabase) else pw.BigAutoField

    @migrator.create_model
    class Message(pw.Model):
        id = id_field()
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        chat_id = pw.BigIntegerField()
        lane = pw.SmallIntegerField()
        author = pw.ForeignKeyField(
            User, column_name="author_id", null=True, on_delete="SET NULL", index=False
        )
        group_id = pw.BigIntegerField(null=True)
        update_id = pw.BigIntegerField(null=True)
        state = pw.CharField(max_length=8)
        method = pw.CharField(max_length=32)
        parameters = pw.BlobField()
        typing = pw.SmallIntegerField(default=0)
        telegram_id = pw.BigIntegerField(null=True)
        reason = pw.CharField(max_length=32, null=True)
        detail = pw.CharField(max_length=300, null=True)
        created_at = pw.DateTimeField()
        expires_at = pw.DateTimeField(null=True)
        done_at = pw.DateTimeField(null=True)

        class Meta:
            table_name = "messages"

    @migrator.create_model
    class Chat(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        chat_id = pw.BigIntegerField()
        first_seen_at = pw.DateTimeField()
        blocked_at = pw.DateTimeField(null=True)

        class Meta:
            table_name = "chats"
            primary_key = pw.CompositeKey("bot", "chat_id")

    @migrator.create_model
    class IdempotencyKey(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        user = pw.ForeignKeyField(User, column_name="user_id", on_delete="CASCADE", index=False)
        key = pw.CharField(max_length=255)
        body_hash = pw.CharField(max_length=64)
        first_id = pw.BigIntegerField()
        last_id = pw.BigIntegerField()
        created_at = pw.DateTimeField(index=True)

        class Meta:
            table_name = "idempotency_keys"
            primary_key = pw.CompositeKey("bot", "user", "key")

    # Nearly all rows are of messages that were sent; this index finds the others.
    migrator.sql(
        "CREATE INDEX messages_pending ON messages (bot_id, lane, id) "
        "WHERE state IN ('queued', 'sending')"
    )
    # of a chat; and deleting a bot or an account looks for its rows
    migrator.sql("CREATE INDEX messages_chat ON messages (bot_id, chat_id, id)")
    migrator.sql("CREATE INDEX messages_author ON messages (author_id) WHERE author_id IS NOT NULL")
    migrator.sql("CREATE INDEX chats_blocked ON chats (bot_id) WHERE blocked_at IS NOT NULL")
    migrator.sql(_KEEP_BLOCKED)
    migrator.remove_model("blocked_chats")


def rollback(migrator, database, *, fake=False):
    """Drop the tables; messages that were not sent are lost."""
    Bot = migrator.orm["bots"]  # noqa: N806 - a class

    @migrator.create_model
    class BlockedChat(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        chat_id = pw.BigIntegerField()
        blocked_at = pw.DateTimeField()

        class Meta:
            table_name = "blocked_chats"
            primary_key = pw.CompositeKey("bot", "chat_id")

    migrator.sql(_BLOCKED_BACK)
    migrator.remove_model("idempotency_keys")
    migrator.remove_model("chats")
    migrator.remove_model("messages")
