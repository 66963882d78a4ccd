"""The menus of bots: the commands that Telegram shows, as published scenarios say."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    """Create the table, and have the menus set of the scenarios that were published before."""
    Bot = migrator.orm["bots"]  # noqa: N806 - a class

    @migrator.create_model
    class Menu(pw.Model):
        bot = pw.ForeignKeyField(
            Bot, column_name="bot_id", on_delete="CASCADE", primary_key=True, index=False
        )
        version = pw.IntegerField()
        set_version = pw.IntegerField()
        languages = pw.TextField()
        refused = pw.TextField()
        at = pw.DateTimeField(null=True)

        class Meta:
            table_name = "menus"

    # Where one of these says nothing of a menu, the next start of its bot makes no call.
    migrator.sql(
        "INSERT INTO menus (bot_id, version, set_version, languages, refused) "
        "SELECT id, scenario_version, 0, '[]', '[]' FROM bots WHERE scenario_version > 0"
    )


def rollback(migrator, database, *, fake=False):
    """Drop the table; it is lost which menus Telegram shows, so nobody takes them away."""
    migrator.remove_model("menus")
