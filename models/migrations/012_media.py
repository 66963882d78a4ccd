"""Files that people upload, to be sent by their bots."""

import peewee as pw
from playhouse.sqlite_ext import AutoIncrementField


def migrate(migrator, database, *, fake=False):
    """Create the tables."""
    Bot, User = migrator.orm["bots"], migrator.orm["users"]  # noqa: N806 - classes
    # No id is used twice: a message that waits may name a file that was deleted.
    id_field = AutoIncrementField if isinstance(database, pw.SqliteDatabase) else pw.BigAutoField

    @migrator.create_model
    class Media(pw.Model):
        id = id_field()
        bot = pw.ForeignKeyField(Bot, column_name="bot_id", on_delete="CASCADE", index=False)
        name = pw.CharField(max_length=255)
        mime_type = pw.CharField(max_length=127)
        kind = pw.CharField(max_length=16)
        size = pw.BigIntegerField()
        sha256 = pw.CharField(max_length=64, default="")
        is_complete = pw.BooleanField(default=False)
        created_at = pw.DateTimeField()
        author = pw.ForeignKeyField(
            User, column_name="author_id", null=True, on_delete="SET NULL", index=False
        )
        file_id = pw.CharField(max_length=255, null=True)
        file_id_at = pw.DateTimeField(null=True)

        class Meta:
            table_name = "media"

    @migrator.create_model
    class MediaPiece(pw.Model):
        media = pw.ForeignKeyField(Media, column_name="media_id", on_delete="CASCADE", index=False)
        number = pw.IntegerField()
        data = pw.BlobField()

        class Meta:
            table_name = "media_pieces"
            primary_key = pw.CompositeKey("media", "number")

    # a bot's files; and the sizes of all files are added up without reading a row
    migrator.sql("CREATE INDEX media_bot ON media (bot_id, size)")
    migrator.sql("CREATE INDEX media_author ON media (author_id) WHERE author_id IS NOT NULL")
    migrator.sql("CREATE INDEX media_incomplete ON media (created_at) WHERE NOT is_complete")


def rollback(migrator, database, *, fake=False):
    """Drop the tables; the files are lost."""
    migrator.remove_model("media_pieces")
    migrator.remove_model("media")
