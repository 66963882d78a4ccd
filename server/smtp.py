"""The SMTP server that BOTYARD_SMTP_URL names."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from server.config import Config
from services.mail import SmtpServer


def smtp_server(config: Config) -> SmtpServer | None:
    """Return the SMTP server of the settings; None if mail is off."""
    if not config.smtp_url:
        return None
    parts = urlsplit(config.smtp_url)
    tls = parts.scheme == "smtps"
    return SmtpServer(
        host=parts.hostname or "",
        port=parts.port or (465 if tls else 587),  # RFC 8314, section 3.3; RFC 6409
        tls=tls,
        sender=parse_qs(parts.query)["from"][-1],
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
