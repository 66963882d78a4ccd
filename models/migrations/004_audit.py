"""The audit log: rows are added, pruned when they are old, and never changed."""

import peewee as pw
from playhouse.sqlite_ext import AutoIncrementField

_SQLITE = """
CREATE TRIGGER audit_append_only BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END
"""
_POSTGRESQL = (
    """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append only'; END $$
""",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE ON audit "
    "FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
)


def migrate(migrator, database, *, fake=False):
    """Create the table, without foreign keys, so that rows outlive the accounts and bots."""
    sqlite = isinstance(database, pw.SqliteDatabase)
    id_field = AutoIncrementField if sqlite else pw.BigAutoField

    @migrator.create_model
    class Entry(pw.Model):
        id = id_field()
        at = pw.DateTimeField(index=True)
        action = pw.CharField(max_length=32)
        actor_id = pw.IntegerField(null=True)
        actor = pw.CharField(max_length=150)
        user_id = pw.IntegerField(null=True, index=True)
        username = pw.CharField(max_length=150, default="")
        bot_id = pw.IntegerField(null=True)
        details = pw.TextField(default="")
        address = pw.CharField(max_length=64, default="")

        class Meta:
            table_name = "audit"

    for statement in (_SQLITE,) if sqlite else _POSTGRESQL:
        migrator.sql(statement)


def rollback(migrator, database, *, fake=False):
    """Drop the audit log; all its entries are lost."""
    migrator.remove_model("audit")
    if not isinstance(database, pw.SqliteDatabase):
        migrator.sql("DROP FUNCTION audit_append_only()")
