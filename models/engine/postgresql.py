"""PostgreSQL, with transactions that begin with checks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import peewee

from models.errors import ProcessLost

_translated = peewee.__exception_wrapper__  # driver errors become Peewee's


class PostgreSQL(peewee.PostgresqlDatabase):
    """Peewee's PostgreSQL database, whose `atomic` takes checks for the outermost transaction."""

    def begin(self, isolation_level: str | None = None, *, checks: Sequence[str] = ()) -> None:
        """Begin a transaction.

        Args:
            isolation_level: as PostgreSQL calls it; None for the default.
            checks: queries without parameters, each of which must return a row. They are sent with
                BEGIN in one message: a round trip each would cost a tenth of a message's CPU time.

        Raises:
            ProcessLost: a check returned no row; no transaction is open.
        """
        if not checks:
            super().begin(isolation_level)
            return
        with _translated:
            cursor = self.cursor()
            try:
                # several statements cannot be prepared
                cursor.execute("; ".join(["BEGIN", *checks]), prepare=False)
                passed = all(cursor.nextset() and cursor.fetchone() for _ in checks)
            except BaseException:
                with suppress(peewee.PeeweeException):  # the connection may be lost
                    self.rollback()
                raise
        if not passed:
            self.rollback()
            raise ProcessLost("this process was declared dead: others run its bots")
