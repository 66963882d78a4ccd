"""How many steps talks took, by day, version, state and transition."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    """Create the table."""
    Bot = migrator.orm["bots"]  # noqa: N806 - a class

    @migrator.create_model
    class DialogStep(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        day = pw.DateField(index=True)
        version = pw.IntegerField()
        state = pw.TextField()
        transition = pw.TextField()
        to_state = pw.TextField()
        count = pw.BigIntegerField()

        class Meta:
            table_name = "dialog_steps"
            primary_key = pw.CompositeKey(
                "bot", "day", "version", "state", "transition", "to_state"
            )


def rollback(migrator, database, *, fake=False):
    """Drop the table; the statistics of all scenarios are lost."""
    migrator.remove_model("dialog_steps")
