"""Runs the bots: one python-telegram-bot Application each, all on the server's event loop."""
