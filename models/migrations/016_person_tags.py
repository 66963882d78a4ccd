"""The tags that scenarios give to people."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    """Create the table."""
    Bot = migrator.orm["bots"]  # noqa: N806 - a class

    @migrator.create_model
    class PersonTag(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        person_id = pw.BigIntegerField()
        tag = pw.CharField(max_length=64)
        given_at = pw.DateTimeField()

        class Meta:
            table_name = "person_tags"
            primary_key = pw.CompositeKey("bot", "person_id", "tag")
            indexes = ((("bot", "tag"), False),)


def rollback(migrator, database, *, fake=False):
    """Drop the table; all tags of people are lost."""
    migrator.remove_model("person_tags")
