"""Accounts, sessions, bots, settings."""

import peewee as pw
from playhouse.sqlite_ext import AutoIncrementField


def migrate(migrator, database, *, fake=False):
    """Create the tables."""
    # By default SQLite reuses the id of a deleted last row; an old link to a deleted bot must not
    # show another one.
    id_field = AutoIncrementField if isinstance(database, pw.SqliteDatabase) else pw.AutoField

    @migrator.create_model
    class User(pw.Model):
        id = id_field()
        username = pw.CharField(max_length=150)
        username_key = pw.CharField(max_length=450, unique=True)
        email = pw.CharField(max_length=254, default="")
        email_key = pw.CharField(max_length=762, null=True, unique=True)
        first_name = pw.CharField(max_length=150, default="")
        last_name = pw.CharField(max_length=150, default="")
        password_hash = pw.CharField(max_length=128)
        is_staff = pw.BooleanField(default=False)
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = "users"

    @migrator.create_model
    class Session(pw.Model):
        id = pw.CharField(max_length=32, primary_key=True)
        user = pw.ForeignKeyField(User, column_name="user_id", on_delete="CASCADE")
        user_agent = pw.CharField(max_length=200, default="")
        address = pw.CharField(max_length=64, default="")
        created_at = pw.DateTimeField()
        last_used_at = pw.DateTimeField()
        expires_at = pw.DateTimeField(index=True)

        class Meta:
            table_name = "sessions"

    @migrator.create_model
    class Bot(pw.Model):
        id = id_field()
        user = pw.ForeignKeyField(User, column_name="user_id", on_delete="CASCADE")
        slot = pw.SmallIntegerField()
        title = pw.CharField(max_length=100, default="")
        active = pw.BooleanField(default=True)
        token_encrypted = pw.TextField()
        token_fingerprint = pw.CharField(max_length=64, unique=True)
        telegram_id = pw.BigIntegerField(null=True, unique=True)
        username = pw.CharField(max_length=64, default="")
        failure_reason = pw.CharField(max_length=32, default="")
        failure_detail = pw.CharField(max_length=500, default="")
        failed_at = pw.DateTimeField(null=True)
        created_at = pw.DateTimeField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = "bots"
            indexes = ((("user", "slot"), True),)

    @migrator.create_model
    class Setting(pw.Model):
        name = pw.CharField(max_length=64, primary_key=True)
        value = pw.TextField()

        class Meta:
            table_name = "settings"


def rollback(migrator, database, *, fake=False):
    """Drop the tables; all rows are lost."""
    for table in ("settings", "bots", "sessions", "users"):
        migrator.remove_model(table)
