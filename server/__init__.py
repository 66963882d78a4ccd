"""The server process: composition, configuration, lifecycle, command line."""

__version__ = "0.1.0"
