"""Live events for the owners of bots."""
