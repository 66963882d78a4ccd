"""The database engine below the tables: connections, threads, locks, migrations."""
