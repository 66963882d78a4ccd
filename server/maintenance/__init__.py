"""Upkeep of an installation: backup, restore, secrets, checks."""
