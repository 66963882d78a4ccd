"""Accounts: people, their sessions, passwords, and what was done."""
