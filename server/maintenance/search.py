"""Checks that messages can be searched: PostgreSQL needs extensions and a locale for that."""

from __future__ import annotations

from models.messaging import search
from server.cli.base import run_in
from server.config import Config
from server.maintenance.findings import Finding, Severity

_NAME = "search"


def check_search(config: Config) -> Finding:
    """Check the index and the locale of a PostgreSQL database whose migrations are done."""
    found = run_in(config, search.support)
    if not found.has_index:
        return Finding(
            _NAME, Severity.WARNING,
            "there is no index of the texts of messages, so that a search reads all of a bot's",
            "install PostgreSQL's contrib package, then run in the database, as a superuser: "
            "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE EXTENSION IF NOT EXISTS btree_gin; "
            "CREATE INDEX CONCURRENTLY messages_text ON messages USING gin "
            "(bot_id, text gin_trgm_ops) WHERE text IS NOT NULL",
        )  # fmt: skip
    if found.locale in ("C", "POSIX"):
        return Finding(
            _NAME, Severity.WARNING,
            f"the database has the locale {found.locale}, in which only English letters are known "
            "in both cases, and texts in other alphabets are not in the index",
            "copy the installation to a database with the locale C.UTF-8 "
            "(CREATE DATABASE ... TEMPLATE template0 LOCALE 'C.UTF-8'): botyard copy-database",
        )  # fmt: skip
    return Finding(_NAME, Severity.OK, f"has its index; the locale is {found.locale}")
