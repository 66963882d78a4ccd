"""Sends the bots' messages: an outbox a bot, within the limits of Telegram."""
