"""What a bot says: pure functions from an event to replies. No I/O, no Telegram, no database."""
