"""Puts the parts together and runs them."""

__version__ = "0.1.0"
