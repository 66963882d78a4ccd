"""The dialogs of bots: pure functions from an event to replies. No I/O, no Telegram, no clock."""
