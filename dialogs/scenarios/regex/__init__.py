"""Regular expressions in time that is linear in the text: no lookaround, no backreferences."""

from dialogs.scenarios.regex.matching import MAX_TEXT, Regex, compile_regex
from dialogs.scenarios.regex.parsing import WrongRegex

__all__ = ["MAX_TEXT", "Regex", "WrongRegex", "compile_regex"]
