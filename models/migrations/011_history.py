"""The history: what people write to a bot, what is known of their chats, and an index."""

import peewee as pw
from playhouse.sqlite_ext import AutoIncrementField

_CHAT_COLUMNS = {
    "kind": "VARCHAR(16) NOT NULL DEFAULT ''",
    "title": "TEXT NOT NULL DEFAULT ''",
    "first_name": "TEXT NOT NULL DEFAULT ''",
    "last_name": "TEXT NOT NULL DEFAULT ''",
    "username": "TEXT NOT NULL DEFAULT ''",
    "language": "VARCHAR(35) NOT NULL DEFAULT ''",
    "is_premium": "BOOLEAN NOT NULL DEFAULT FALSE",
    "source": "VARCHAR(64) NOT NULL DEFAULT ''",
    "names": "TEXT NOT NULL DEFAULT ''",
    "last_seen_at": "TIMESTAMP",
    "last_message_id": "BIGINT NOT NULL DEFAULT 0",
    "unread": "INTEGER NOT NULL DEFAULT 0",
}
_MESSAGE_COLUMNS = {
    "kind": "VARCHAR(32)",
    "text": "TEXT",
    "content": "{blob}",
    "sender_id": "BIGINT",
    "topic_id": "BIGINT",
    "edited_at": "TIMESTAMP",
}
_INDEXES = (
    # the newest chats first; edits, reactions and replies name a message by Telegram's id;
    # erasing a person looks for what they wrote in groups
    "CREATE INDEX chats_newest ON chats (bot_id, last_message_id, chat_id)",
    "CREATE INDEX messages_received ON messages (bot_id, chat_id, telegram_id) "
    "WHERE state = 'received' AND telegram_id IS NOT NULL",
    "CREATE INDEX messages_sender ON messages (bot_id, sender_id) WHERE sender_id IS NOT NULL",
)
_LAST_MESSAGES = """
UPDATE chats SET last_message_id = COALESCE((SELECT MAX(id) FROM messages
WHERE messages.bot_id = chats.bot_id AND messages.chat_id = chats.chat_id), 0)
"""
# The bot is a term of its own in this index, so that a search reads only the entries of one bot.
# It keeps neither texts nor positions: what it finds is compared with the texts themselves.
_SEARCH = (
    "CREATE VIRTUAL TABLE message_search USING fts5"
    "(bot, text, content='', columnsize=0, detail=none, tokenize='trigram')",
    "CREATE TABLE message_search_progress (indexed INTEGER NOT NULL)",
    "INSERT INTO message_search_progress VALUES (0)",
)
_SEARCH_POSTGRESQL = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE EXTENSION IF NOT EXISTS btree_gin;
    CREATE INDEX messages_text ON messages USING gin (bot_id, text gin_trgm_ops)
        WHERE text IS NOT NULL;
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
    RAISE NOTICE 'without pg_trgm and btree_gin a search reads all messages of a bot';
END $$
"""


def migrate(migrator, database, *, fake=False):
    """Add the columns, the earlier texts of messages, and the index."""
    is_sqlite = isinstance(database, pw.SqliteDatabase)
    id_field = AutoIncrementField if is_sqlite else pw.BigAutoField
    Message = migrator.orm["messages"]  # noqa: N806 - a class

    @migrator.create_model
    class EarlierText(pw.Model):
        id = id_field()
        message = pw.ForeignKeyField(Message, column_name="message_id", on_delete="CASCADE")
        text = pw.TextField(null=True)
        content = pw.BlobField()
        replaced_at = pw.DateTimeField()

        class Meta:
            table_name = "earlier_texts"

    blob = "BLOB" if is_sqlite else "BYTEA"
    for table, columns in (("chats", _CHAT_COLUMNS), ("messages", _MESSAGE_COLUMNS)):
        for name, kind in columns.items():
            migrator.sql(f"ALTER TABLE {table} ADD COLUMN {name} {kind.format(blob=blob)}")
    migrator.sql("ALTER TABLE bots ADD COLUMN history BOOLEAN NOT NULL DEFAULT TRUE")
    for statement in _INDEXES:
        migrator.sql(statement)
    migrator.sql(_LAST_MESSAGES)
    # what a handled update said is kept as a message from now on
    empty = "x''" if is_sqlite else r"'\x'::bytea"
    migrator.sql(f"UPDATE updates SET payload = {empty} WHERE handled_at IS NOT NULL")  # noqa: S608
    for statement in _SEARCH if is_sqlite else (_SEARCH_POSTGRESQL,):
        migrator.sql(statement)


def rollback(migrator, database, *, fake=False):
    """Drop the columns; what people wrote is lost, what the bot wrote stays."""
    is_sqlite = isinstance(database, pw.SqliteDatabase)
    migrator.sql("DELETE FROM messages WHERE state = 'received'")
    if is_sqlite:
        migrator.sql("DROP TABLE message_search")
        migrator.sql("DROP TABLE message_search_progress")
    else:
        migrator.sql("DROP INDEX IF EXISTS messages_text")
    migrator.remove_model("earlier_texts")
    for index in ("messages_sender", "messages_received", "chats_newest"):
        migrator.sql(f"DROP INDEX {index}")
    migrator.sql("ALTER TABLE bots DROP COLUMN history")
    for table, columns in (("chats", _CHAT_COLUMNS), ("messages", _MESSAGE_COLUMNS)):
        for name in columns:
            migrator.sql(f"ALTER TABLE {table} DROP COLUMN {name}")
