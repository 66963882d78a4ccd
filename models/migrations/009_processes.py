"""The processes that share a PostgreSQL database, and which of them runs each bot."""

import peewee as pw
from playhouse.sqlite_ext import AutoIncrementField


def migrate(migrator, database, *, fake=False):
    """Create the tables; no bot has an owner yet."""
    is_sqlite = isinstance(database, pw.SqliteDatabase)
    id_field = AutoIncrementField if is_sqlite else pw.BigAutoField

    @migrator.create_model
    class Process(pw.Model):
        id = id_field()
        beat = pw.BigIntegerField(default=0)
        name = pw.CharField(max_length=100)
        session = pw.CharField(max_length=32)
        boot = pw.CharField(max_length=64)
        lock_file = pw.CharField(max_length=64)
        version = pw.CharField(max_length=32)
        draining = pw.BooleanField(default=False)
        reaches_telegram = pw.BooleanField(default=True)
        load = pw.FloatField(default=0.0)
        started_at = pw.DateTimeField()

        class Meta:
            table_name = "processes"

    Bot = migrator.orm["bots"]  # noqa: N806 - a class

    @migrator.create_model
    class Call(pw.Model):
        id = id_field()
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE")
        chat_id = pw.BigIntegerField()
        method = pw.CharField(max_length=32)
        parameters = pw.BlobField()
        counts = pw.BooleanField()
        expires_at = pw.DateTimeField()
        taken = pw.BooleanField(default=False)
        outcome = pw.CharField(max_length=16, null=True)
        detail = pw.TextField(null=True)

        class Meta:
            table_name = "calls"

    migrator.sql(
        "ALTER TABLE bots ADD COLUMN owner_id BIGINT NULL "
        "REFERENCES processes (id) ON DELETE SET NULL"
    )
    migrator.sql("CREATE INDEX bots_owner ON bots (owner_id) WHERE owner_id IS NOT NULL")
    migrator.sql("CREATE INDEX bots_unowned ON bots (id) WHERE owner_id IS NULL AND active")
    if not is_sqlite:
        # a row is updated once a second: room for that on its page
        migrator.sql("ALTER TABLE processes SET (fillfactor = 50)")


def rollback(migrator, database, *, fake=False):
    """Drop the tables; which process runs each bot is lost."""
    migrator.sql("DROP INDEX bots_unowned")
    migrator.sql("DROP INDEX bots_owner")
    migrator.sql("ALTER TABLE bots DROP COLUMN owner_id")
    migrator.remove_model("calls")
    migrator.remove_model("processes")
