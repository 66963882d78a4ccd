"""The one format of messages: from JSON over `Message` to calls of the Bot API."""
