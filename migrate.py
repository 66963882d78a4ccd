"""Migrations by hand: `python migrate.py up | down | status | create NAME`."""

from server.cli.migrate import main

main()
