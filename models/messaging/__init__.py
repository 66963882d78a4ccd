"""Messages: updates, their effects, the chats they belong to."""
