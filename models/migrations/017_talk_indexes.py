"""Indexes for what looks for talks of a person or of a version."""


def migrate(migrator, database, *, fake=False):
    """Create the indexes."""
    # In private chats, which are most, both ids are the same, and the key finds the chat. SQLite
    # takes the key for the rest, too, unless the index has all columns of the condition.
    for table in ("conversations", "conversation_steps"):
        migrator.sql(
            f"CREATE INDEX {table}_user ON {table} (bot_id, user_id, chat_id) "
            "WHERE user_id <> chat_id"
        )
    migrator.sql("CREATE INDEX conversations_version ON conversations (bot_id, version)")


def rollback(migrator, database, *, fake=False):
    """Drop the indexes."""
    for name in ("conversations_user", "conversation_steps_user", "conversations_version"):
        migrator.sql(f"DROP INDEX {name}")
