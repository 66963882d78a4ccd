"""The journal of updates, the chats that blocked a bot, and each bot's offset."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    """Create the tables."""
    migrator.add_fields(
        "bots",
        update_offset=pw.BigIntegerField(default=0),
        last_update_at=pw.DateTimeField(null=True),
    )
    Bot = migrator.orm["bots"]  # noqa: N806 - a class

    @migrator.create_model
    class Update(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        update_id = pw.BigIntegerField()
        payload = pw.BlobField()
        received_at = pw.DateTimeField()
        attempts = pw.SmallIntegerField(default=0)
        handled_at = pw.DateTimeField(null=True)
        dead_at = pw.DateTimeField(null=True)
        error = pw.TextField(default="")

        class Meta:
            table_name = "updates"
            primary_key = pw.CompositeKey("bot", "update_id")

    @migrator.create_model
    class BlockedChat(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        chat_id = pw.BigIntegerField()
        blocked_at = pw.DateTimeField()

        class Meta:
            table_name = "blocked_chats"
            primary_key = pw.CompositeKey("bot", "chat_id")

    # Nearly all rows are handled ones; these indexes find the few others, and the oldest.
    migrator.sql(
        "CREATE INDEX updates_unhandled ON updates (bot_id, update_id) WHERE handled_at IS NULL"
    )
    migrator.sql(
        "CREATE INDEX updates_handled_at ON updates (handled_at) WHERE handled_at IS NOT NULL"
    )


def rollback(migrator, database, *, fake=False):
    """Drop the journal; pending and dead updates are lost."""
    migrator.remove_model("blocked_chats")
    migrator.remove_model("updates")
    migrator.remove_fields("bots", "update_offset", "last_update_at")
