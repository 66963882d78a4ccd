"""Bots: their rows and their tokens."""
