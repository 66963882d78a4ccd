"""Parsers of the values of settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

PREFIX = "BOTYARD_"  # of the variables
MIN_SECRET = 32  # characters
LOGIN = re.compile(r"(?<=://).*@")  # in an address: user:password@host


class ConfigError(Exception):
    """A setting is invalid; the text names it, its value and what is expected."""


def invalid(setting: str, text: str, expected: object, *, hidden: bool = False) -> ConfigError:
    """Return the error for an invalid value.

    Args:
        setting: the flag, variable or argument that has it.
        expected: what it must be.
        hidden: leave the value out, because it is a secret.
    """
    shown = "" if hidden else " " + repr(LOGIN.sub("***@", text))
    return ConfigError(f"{setting}: invalid value{shown}; expected {expected}")


def folder(text: str) -> Path:
    """Read the path of a folder, which need not exist."""
    path = Path(text)
    try:
        is_other = path.exists() and not path.is_dir()
    except OSError:  # it cannot be looked at, which its first use tells better
        return path
    if is_other:
        raise ValueError("a folder, and this is a file")
    return path


def port(text: str) -> int:
    """Read a port; 0 lets the system choose one."""
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError("a number from 0 to 65535")
    return int(text)


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or not 1 <= int(text) <= 32767:
        raise ValueError("a whole number from 1 to 32767")
    return int(text)


def megabytes(text: str) -> int:
    """Read an amount of MB."""
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise ValueError("a whole number of MB from 1 to 1000000")
    return int(text)


def days(text: str) -> int:
    """Read a whole number of days, 0 included."""
    if not text.isdecimal() or int(text) > 32767:
        raise ValueError("a whole number from 0 to 32767")
    return int(text)


def flag(text: str) -> bool:
    """Read yes or no."""
    values = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in values:
        raise ValueError("yes or no")
    return values[text.lower()]


def registration(text: str) -> bool:
    """Read "open" as True, "closed" as False."""
    if text not in ("open", "closed"):
        raise ValueError("open or closed")
    return text == "open"


def choice(*words: str) -> Callable[[str], str]:
    """Make a function that reads one of some words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return parse


def host(text: str) -> str:
    """Read a name or address to listen on."""
    if not text.strip():
        raise ValueError("a host name or address")
    return text


def is_address(text: str, *schemes: str) -> bool:
    """Return True if a text is an address of one of these schemes, with host and valid port."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        return False


def url(*schemes: str) -> Callable[[str], str]:
    """Make a function that reads an address of one of these schemes, without a last slash."""

    def parse(text: str) -> str:
        if not is_address(text, *schemes):
            raise ValueError(" or ".join(f"{scheme}://host..." for scheme in schemes))
        return text.rstrip("/")

    return parse


def smtp_url(text: str) -> str:
    """Read the address of an SMTP server, with the sender of mails."""
    if is_address(text, "smtp", "smtps"):
        parts = urlsplit(text)
        sender = parse_qs(parts.query).get("from", [""])[-1]
        if re.fullmatch(r"[^@\s,]+@[^@\s,]+", sender) and bool(parts.username) == bool(
            parts.password
        ):
            return text
    raise ValueError(
        "smtp://user:password@host:587?from=panel@example.org, or smtps://...; % and @ in the "
        "password as %25 and %40"
    )


def page(text: str) -> str:
    """Read the address of a page, to which a fragment can be added."""
    if not is_address(text, "http", "https") or "#" in text or re.search(r"\s", text):
        raise ValueError("the address of a page without #, such as https://panel.example.org/reset")
    return text


def name(text: str) -> str:
    """Read a name of a server."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}", text):
        return text
    raise ValueError("up to 64 letters, digits and . _ : @ -")


def database_url(text: str) -> str:
    """Read the address of a database."""
    if re.match(r"sqlite:///.", text) or _is_postgresql(text):
        return text
    raise ValueError("sqlite:///path or postgresql://user:password@host/name")


def postgresql_url(text: str) -> str:
    """Read the address of a PostgreSQL database."""
    if _is_postgresql(text):
        return text
    raise ValueError("postgresql://user:password@host/name")


def _is_postgresql(text: str) -> bool:
    """Return True for an address that libpq takes: of one host, or of several with commas."""
    found = re.fullmatch(r"postgres(?:ql)?://(?:[^/?#]*@)?([^/?#@]+)/[^?#]+(?:\?.*)?", text)
    return found is not None and all(
        is_address(f"postgresql://{host}", "postgresql") for host in found[1].split(",")
    )


def origins(text: str) -> frozenset[str]:
    """Read the origins of frontends, separated by commas."""
    # Browsers send them in lower case (RFC 6454, section 4).
    parts = (part.strip().lower().removesuffix("/") for part in text.split(","))
    origins = frozenset(part for part in parts if part)
    for origin in origins:
        if not is_address(origin, "http", "https") or re.search(r"[@?#]|://.*/", origin):
            shown = LOGIN.sub("***@", origin)
            raise ValueError(f"origins such as https://panel.example.org, not {shown!r}")
    return origins


def hosts(text: str) -> frozenset[str]:
    """Read names of this server, separated by commas."""
    names = frozenset(name for part in text.split(",") if (name := part.strip().lower()))
    for name in names:
        if not re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", name):
            raise ValueError(f"names without a port such as panel.example.org, not {name!r}")
    return names


def secret(text: str) -> str:
    """Read one or more secrets, separated by commas."""
    if any(len(part) < MIN_SECRET for part in parts(text)):
        raise ValueError(f"secrets, with commas between, of at least {MIN_SECRET} characters")
    return text


def metrics_token(text: str) -> str:
    """Read a bearer token."""
    # what may stand behind "Bearer" (RFC 6750, section 2.1)
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]{16,}=*", text):
        raise ValueError("16 or more of the characters A-Z a-z 0-9 . _ ~ + / -")
    return text


def parts(text: str) -> tuple[str, ...]:
    """Split a text at its commas."""
    return tuple(part.strip() for part in text.split(","))
