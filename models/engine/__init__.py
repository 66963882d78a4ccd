"""The engine under the tables: connections, threads, locks, migrations."""
