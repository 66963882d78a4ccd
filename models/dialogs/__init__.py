"""Dialogs: scenarios with their versions, and where each talk stands."""
