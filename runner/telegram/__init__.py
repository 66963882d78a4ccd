"""The connection to Telegram's Bot API."""
