"""`{{name}}` in a message: filled in after parsing, so that no value can become markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from dialogs.messages.content import Message

NAME = r"[^\W\d][\w.]{0,63}"
NEWLINES = re.compile(r"\r\n?")  # other than those that Telegram keeps
VARIABLE = re.compile(rf"\{{\{{[ ]*({NAME})[ ]*\}}\}}")

MAX_URL = 2048  # characters
MAX_VALUE = 4096  # characters of one value that are shown
MAX_VALUES = 32_000  # characters of all values in a message together
# No character of a text: Telegram drops most of them, and a NUL cannot be stored.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNSAFE = re.compile(r'[\x00-\x20"<>\\^`|\x7f-\xa0\u2000-\u200f\u2028-\u202f\u3000]')
# A table, because an address may have thousands of them, and a message a hundred addresses.
_ENCODED = {code: quote(chr(code)) for code in range(0x3001) if _UNSAFE.match(chr(code))}
_FILE_ID = re.compile(r"[A-Za-z0-9_-]+")
_WEB_URL = re.compile(r"https?://[^\s/]", re.IGNORECASE)


class Values:
    """The values of variables for one message.

    Args:
        variables: the values by name; a name that is missing is filled with nothing. None leaves
            `{{name}}` as it is.
    """

    __slots__ = ("_left", "_variables")

    def __init__(self, variables: Mapping[str, str] | None) -> None:
        self._variables = variables
        self._left = MAX_VALUES

    @property
    def are_names(self) -> bool:
        """Tell whether `{{name}}` is left as it is."""
        return self._variables is None

    def value(self, name: str, source: str) -> str:
        """Return the value to show for a variable.

        A value is shown up to 4,096 characters, and all of a message up to 32,000.

        Args:
            source: how the variable is written, which is returned if none is filled in.
        """
        if self._variables is None:
            return source
        value = clean(self._variables.get(name, "")[: min(MAX_VALUE, self._left)])
        self._left -= len(value)
        return value

    def fill(self, template: str) -> str:
        """Fill the variables into a text that is shown as it is."""
        if self._variables is None or "{{" not in template:
            return template
        return VARIABLE.sub(lambda found: self.value(found[1], found[0]), template)

    def fill_file_id(self, template: str) -> str:
        """Fill the variables into the id of a file.

        Returns:
            The id; empty if it cannot be one, such as a path: it may be what a user has written.
        """
        if self._variables is None:
            return template
        file_id = self.fill(template)
        return file_id if _FILE_ID.fullmatch(file_id) else ""

    def fill_url(self, template: str) -> str:
        """Fill the variables into an address, percent-encoded.

        If the address is nothing but one variable, its value is the address.

        Returns:
            The address; empty if the value of such a variable is no http or https address, or the
            address is too long.
        """
        url = template
        if self._variables is not None and "{{" in template:
            if found := VARIABLE.fullmatch(template):
                url = self.value(found[1], found[0]).strip()
                url = url if _WEB_URL.match(url) else ""
            else:
                url = VARIABLE.sub(lambda m: quote(self.value(m[1], m[0]), safe=""), template)
        url = url.translate(_ENCODED)
        return url if len(url) <= MAX_URL else ""


def clean(value: str) -> str:
    """Return a value as it can be sent: no control characters, no lone surrogates."""
    if value.isascii() and value.isprintable():
        return value
    value = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROLS.sub("", NEWLINES.sub("\n", value))


def variable_names(message: Message) -> set[str]:
    """Return the names of the variables that a message is filled with.

    In Markdown, a name whose braces are escaped counts too.
    """
    texts = [text for text in templates(message) if "{{" in text]
    return {found[1] for text in texts for found in VARIABLE.finditer(text)}


def templates(message: Message) -> Iterator[str]:
    """Return everything in a message that variables are filled into, its text first."""
    yield message.text
    for media in message.media:
        yield from (media.url, media.file_id)
    if message.contact:
        contact = message.contact
        yield from (contact.phone_number, contact.first_name, contact.last_name)
    for button in (button for row in message.buttons for button in row):
        yield from (button.text, button.url, button.web_app, button.copy)
    if message.keyboard:
        yield message.keyboard.placeholder
        yield from (button.text for row in message.keyboard.rows for button in row)
