"""The head of the API document: its texts, tags and security schemes."""

from __future__ import annotations

from handlers.apidoc.schemas import Document
from handlers.authentication import SESSION_COOKIE

DESCRIPTION = """\
Register, add your Telegram bots, switch each one on and off.

**To try it here:** execute *Register* or *Log in* below. From then on the browser has a session
cookie and every other call works. Or copy the `key` of the answer into **Authorize**.

**In a program,** send the `key` as `Authorization: Bearer KEY`. With the session cookie in its
place, methods that change something also need the cookie `_xsrf` sent again as the header
`X-XSRFToken`; this page does so by itself.

Paths work with and without the last slash. Errors are problem documents (RFC 9457): look at their
`code`; `errors` has sentences for the fields of a form. Ignore fields you do not know: answers
may get new ones. Times are in UTC with milliseconds and end with `Z` (RFC 3339).
"""
INFO = {
    "description": DESCRIPTION,
    "contact": {"name": "The operator of this server"},
    "license": {"name": "MIT", "identifier": "MIT"},
}
SERVERS = [{"url": "/", "description": "The server that this document comes from."}]
TAGS = [
    {"name": "Accounts", "description": "Register, log in, your data."},
    {"name": "Bots", "description": "Your Telegram bots."},
    {"name": "Scenarios", "description": "What your bots say: draft, versions, simulation."},
    {"name": "Chats", "description": "Who writes to your bots."},
    {"name": "Messages", "description": "What people send to your bots, and what these send."},
    {"name": "Media", "description": "Files that your bots send."},
    {"name": "Administration", "description": "Everybody's accounts and bots, for staff."},
    {"name": "Operation", "description": "For load balancers and supervisors."},
]
SECURITY_SCHEMES: dict[str, Document] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `key` that registering or logging in answers with.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "The browser has it after *Log in*; there is nothing to enter here.",
    },
    "xsrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-XSRFToken",
        "description": "The cookie `_xsrf` once more. This page sends it; nothing to enter here.",
    },
}
