"""Messages: updates, their effects, and their chats."""
