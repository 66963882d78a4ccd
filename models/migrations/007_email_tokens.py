"""Verified e-mail addresses, and the tokens that are sent to them."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    """Make the table; no address is verified yet."""
    migrator.add_fields("users", email_verified_at=pw.DateTimeField(null=True))
    User = migrator.orm["users"]  # noqa: N806 - a class

    @migrator.create_model
    class EmailToken(pw.Model):
        token_hash = pw.CharField(max_length=64, primary_key=True)
        user = pw.ForeignKeyField(User, column_name="user_id", on_delete="CASCADE")
        purpose = pw.CharField(max_length=16)
        email_key = pw.CharField(max_length=762)
        expires_at = pw.DateTimeField(index=True)

        class Meta:
            table_name = "email_tokens"


def rollback(migrator, database, *, fake=False):
    """Drop the tokens; which addresses were verified is lost, and links in mails are void."""
    migrator.remove_model("email_tokens")
    migrator.remove_fields("users", "email_verified_at")
