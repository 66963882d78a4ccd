"""Live events for whoever listens."""
