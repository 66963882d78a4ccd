"""Scenarios: drafts, published versions, and where each talk stands."""

import peewee as pw


def migrate(migrator, database, *, fake=False):
    """Create the tables."""
    Bot, User = migrator.orm["bots"], migrator.orm["users"]  # noqa: N806 - classes

    @migrator.create_model
    class Scenario(pw.Model):
        bot = pw.ForeignKeyField(
            Bot, column_name="bot_id", on_delete="CASCADE", primary_key=True, index=False
        )
        draft = pw.BlobField()
        revision = pw.IntegerField()
        updated_at = pw.DateTimeField()
        updated_by = pw.ForeignKeyField(
            User, column_name="updated_by_id", null=True, on_delete="SET NULL", index=False
        )

        class Meta:
            table_name = "scenarios"

    @migrator.create_model
    class ScenarioTests(pw.Model):
        bot = pw.ForeignKeyField(
            Bot, column_name="bot_id", on_delete="CASCADE", primary_key=True, index=False
        )
        tests = pw.BlobField()

        class Meta:
            table_name = "scenario_tests"

    @migrator.create_model
    class ScenarioVersion(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        n = pw.IntegerField()
        document = pw.BlobField()
        note = pw.CharField(max_length=500)
        restarts_before = pw.IntegerField()
        created_at = pw.DateTimeField()
        author = pw.ForeignKeyField(
            User, column_name="author_id", null=True, on_delete="SET NULL", index=False
        )

        class Meta:
            table_name = "scenario_versions"
            primary_key = pw.CompositeKey("bot", "n")

    @migrator.create_model
    class Conversation(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        chat_id = pw.BigIntegerField()
        user_id = pw.BigIntegerField()
        topic_id = pw.BigIntegerField()
        version = pw.IntegerField()
        state = pw.BlobField()
        updated_at = pw.DateTimeField()

        class Meta:
            table_name = "conversations"
            primary_key = pw.CompositeKey("bot", "chat_id", "user_id", "topic_id")

    @migrator.create_model
    class ConversationStep(pw.Model):
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        chat_id = pw.BigIntegerField()
        user_id = pw.BigIntegerField()
        topic_id = pw.BigIntegerField()
        update_id = pw.BigIntegerField()
        version = pw.IntegerField()
        steps = pw.BlobField()
        at = pw.DateTimeField(index=True)

        class Meta:
            table_name = "conversation_steps"
            primary_key = pw.CompositeKey("bot", "chat_id", "user_id", "topic_id", "update_id")

    # 0: nothing is published, and the bot repeats what people write
    migrator.sql("ALTER TABLE bots ADD COLUMN scenario_version INTEGER NOT NULL DEFAULT 0")
    # deleting an account looks for what it has written
    for table, column in (("scenarios", "updated_by_id"), ("scenario_versions", "author_id")):
        migrator.sql(
            f"CREATE INDEX {table}_author ON {table} ({column}) WHERE {column} IS NOT NULL"
        )


def rollback(migrator, database, *, fake=False):
    """Drop the tables; all scenarios and talks are lost."""
    for table in (
        "conversation_steps",
        "conversations",
        "scenario_versions",
        "scenario_tests",
        "scenarios",
    ):
        migrator.remove_model(table)
    migrator.sql("ALTER TABLE bots DROP COLUMN scenario_version")
