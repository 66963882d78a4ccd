"""Dialogs of bots and the format of messages: pure functions, without I/O, PTB or a clock."""
