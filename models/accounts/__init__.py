"""Accounts: users, their sessions and passwords, and the audit log."""
