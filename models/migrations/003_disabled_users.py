"""Accounts that are switched off."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    """Remember since when."""
    migrator.add_fields("users", disabled_at=pw.DateTimeField(null=True))


def rollback(migrator, database, *, fake=False):
    """Forget who was disabled: these accounts can log in again, and their bots run."""
    migrator.remove_fields("users", "disabled_at")
