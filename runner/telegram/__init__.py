"""The way to Telegram's Bot API."""
