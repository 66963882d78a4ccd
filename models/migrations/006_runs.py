"""A row for the actual state of each bot; generations of wishes and tokens."""

import peewee as pw

_KEEP_FAILURES = """
INSERT INTO runs (bot_id, generation, state, reason, detail, since, attempts, version)
SELECT id, 1, 'failed', failure_reason, failure_detail, failed_at, 0, 0 FROM bots
WHERE failure_reason <> '' AND failed_at IS NOT NULL
"""
_FAILURES_BACK = """
UPDATE bots SET failure_reason = runs.reason, failure_detail = COALESCE(runs.detail, ''),
failed_at = runs.since FROM runs WHERE runs.bot_id = bots.id AND runs.state = 'failed'
"""


def migrate(migrator, database, *, fake=False):
    """Create the table, with the failures that were stored in the rows of bots."""
    Bot = migrator.orm["bots"]  # noqa: N806 - a class

    @migrator.create_model
    class Run(pw.Model):
        bot = pw.ForeignKeyField(
            Bot, column_name="bot_id", on_delete="CASCADE", primary_key=True, index=False
        )
        generation = pw.IntegerField()
        state = pw.CharField(max_length=16)
        reason = pw.CharField(max_length=32, null=True)
        detail = pw.CharField(max_length=500, null=True)
        since = pw.DateTimeField()
        attempts = pw.IntegerField()
        next_attempt_at = pw.DateTimeField(null=True)
        last_poll_at = pw.DateTimeField(null=True)
        version = pw.BigIntegerField()

        class Meta:
            table_name = "runs"

    last_ids = []
    if isinstance(database, pw.SqliteDatabase):
        migrator.run(_remember_last_id, database, last_ids)
    migrator.sql(_KEEP_FAILURES)
    migrator.remove_fields("bots", "failure_reason", "failure_detail", "failed_at")
    migrator.add_fields(
        "bots",
        generation=pw.IntegerField(default=1),
        token_generation=pw.IntegerField(default=1),
    )
    if isinstance(database, pw.SqliteDatabase):
        migrator.run(_keep_last_id, database, last_ids)


def _remember_last_id(database, last_ids):
    # A change of columns rebuilds the table, and an id must never be used twice.
    query = "SELECT seq FROM sqlite_sequence WHERE name = 'bots'"
    last_ids += database.execute_sql(query).fetchall()


def _keep_last_id(database, last_ids):
    for (last_id,) in last_ids:
        database.execute_sql("DELETE FROM sqlite_sequence WHERE name = 'bots'")
        insert = "INSERT INTO sqlite_sequence (name, seq) VALUES ('bots', ?)"
        database.execute_sql(insert, (last_id,))


def rollback(migrator, database, *, fake=False):
    """Move failures back into the rows of bots; the other states of bots are lost."""
    last_ids = []
    if isinstance(database, pw.SqliteDatabase):
        migrator.run(_remember_last_id, database, last_ids)
    migrator.remove_fields("bots", "generation", "token_generation")
    migrator.add_fields(
        "bots",
        failure_reason=pw.CharField(max_length=32, default=""),
        failure_detail=pw.CharField(max_length=500, default=""),
        failed_at=pw.DateTimeField(null=True),
    )
    if isinstance(database, pw.SqliteDatabase):
        migrator.run(_keep_last_id, database, last_ids)
    migrator.sql(_FAILURES_BACK)
    migrator.remove_model("runs")
