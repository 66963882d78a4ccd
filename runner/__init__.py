"""Runs the bots: one python-telegram-bot Application each, all on the server's event loop."""

import os

# Make the library use timedelta for durations, its future default. It reads this from the
# environment, and warns at every 429 without it.
os.environ.setdefault("PTB_TIMEDELTA", "true")
