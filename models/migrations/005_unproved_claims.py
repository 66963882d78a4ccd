"""Protection against attacks: unproved claims to tokens, password guesses, expensive counts."""

from ipaddress import IPv6Address, IPv6Network, ip_address

import peewee as pw


def migrate(migrator, database, *, fake=False):
    """Allow unconfirmed tokens that another bot has; add the networks of logins."""
    User = migrator.orm["users"]  # noqa: N806 - a class

    # Telegram's ids are unique, and empty until Telegram has confirmed the token, so each Telegram
    # bot is registered once. An unconfirmed token claims nothing.
    migrator.sql("DROP INDEX bot_token_fingerprint")

    @migrator.create_model
    class KnownNetwork(pw.Model):
        user = pw.ForeignKeyField(User, column_name="user_id", on_delete="CASCADE", index=False)
        network = pw.CharField(max_length=64)
        last_login_at = pw.DateTimeField()

        class Meta:
            table_name = "known_networks"
            primary_key = pw.CompositeKey("user", "network")

    migrator.run(_know_where_sessions_are, database)

    # Separate indexes for pending and for dead updates, with all columns that are counted.
    migrator.sql("DROP INDEX updates_unhandled")
    migrator.sql(
        "CREATE INDEX updates_pending ON updates (bot_id, update_id) "
        "WHERE handled_at IS NULL AND dead_at IS NULL"
    )
    migrator.sql(
        "CREATE INDEX updates_dead ON updates (bot_id, update_id) "
        "WHERE handled_at IS NULL AND dead_at IS NOT NULL"
    )


def _know_where_sessions_are(database):
    found = {}
    sessions = "SELECT user_id, address, created_at FROM sessions WHERE address <> ''"
    for user_id, address, at in database.execute_sql(sessions).fetchall():
        key = (user_id, _network_of(address))
        found[key] = max(at, found.get(key, at))
    insert = "INSERT INTO known_networks (user_id, network, last_login_at) VALUES (?, ?, ?)"
    insert = insert.replace("?", database.param)
    for (user_id, network), at in found.items():
        database.execute_sql(insert, (user_id, network, at))


def _network_of(address):
    # A copy of the program's code at that time: a migration must not change with the program.
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((parsed, 64), strict=False))


_SECOND_CLAIMS = """
SELECT id FROM bots WHERE telegram_id IS NULL AND EXISTS (
    SELECT 1 FROM bots AS other WHERE other.token_fingerprint = bots.token_fingerprint
    AND other.id <> bots.id AND (other.telegram_id IS NOT NULL OR other.id < bots.id)
)
"""


def rollback(migrator, database, *, fake=False):
    """Drop bots whose token another bot has, and the networks of logins; both are lost."""
    migrator.sql("DROP INDEX updates_dead")
    migrator.sql("DROP INDEX updates_pending")
    migrator.sql(
        "CREATE INDEX updates_unhandled ON updates (bot_id, update_id) WHERE handled_at IS NULL"
    )
    migrator.remove_model("known_networks")
    for table, column in (("updates", "bot_id"), ("blocked_chats", "bot_id"), ("bots", "id")):
        migrator.sql(f"DELETE FROM {table} WHERE {column} IN ({_SECOND_CLAIMS})")  # noqa: S608
    migrator.sql("CREATE UNIQUE INDEX bot_token_fingerprint ON bots (token_fingerprint)")
