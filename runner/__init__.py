"""Runs the bots: one python-telegram-bot Application each, all on the server's event loop."""

import os

# The library's switch for durations as timedelta, which becomes its only way; it looks for it
# in the environment, and warns at every 429 without it.
os.environ.setdefault("PTB_TIMEDELTA", "true")
