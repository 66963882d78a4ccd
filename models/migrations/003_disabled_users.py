"""Disabled accounts."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    """Add the time at which an account was disabled."""
    migrator.add_fields("users", disabled_at=pw.DateTimeField(null=True))


def rollback(migrator, database, *, fake=False):
    """Drop the mark of disabled accounts: they can log in again, and their bots run."""
    migrator.remove_fields("users", "disabled_at")
