"""Who makes a request: a bearer key, or the session cookie with the XSRF token."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import tornado.web

from handlers import errors
from handlers.errors import Code
from handlers.keys import BadKey
from models import session as sessions
from models.base import now
from models.session import Identity, SessionRecord

if TYPE_CHECKING:
    from handlers.base import ApiHandler

SESSION_COOKIE = "botyard_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SCHEMES = frozenset({"bearer", "token"})  # the second is what Django REST frontends send
TOUCH_AFTER = timedelta(minutes=1)  # how exact a session's last use is kept


async def authenticate(handler: ApiHandler) -> Identity:
    """Who makes a request.

    Raises:
        Unauthorized: no key, or one that is worth nothing.
        Forbidden: the cookie came without its XSRF token.
    """
    header = handler.request.headers.get("Authorization")
    if header is not None:
        scheme, _, key = header.strip().partition(" ")
        if scheme.lower() not in SCHEMES:
            raise errors.Unauthorized("Send the key as 'Authorization: Bearer KEY'.")
        return await _identify(handler, key.strip())
    cookie = handler.get_cookie(SESSION_COOKIE)
    if not cookie:
        raise errors.Unauthorized("Log in first, and send the key as 'Authorization: Bearer KEY'.")
    identity = await _identify(handler, cookie)
    _check_xsrf(handler)
    return identity


async def _identify(handler: ApiHandler, key: str) -> Identity:
    worthless = errors.Unauthorized("This key has expired or was revoked.", code=Code.INVALID_KEY)
    try:
        claims = handler.services.keys.read(key)
    except BadKey:
        raise worthless from None
    db = handler.services.db
    identity = await db.read(sessions.identify, claims.session_id, claims.user_id)
    if identity is None:
        raise worthless
    if now() - identity.session.last_used_at > TOUCH_AFTER:
        await db.write(sessions.touch, identity.session.id)
    return identity


def _check_xsrf(handler: ApiHandler) -> None:
    if handler.request.method in SAFE_METHODS:
        _set_xsrf_cookie(handler)
        return
    try:
        handler.check_xsrf_cookie()
    except tornado.web.HTTPError:
        raise errors.Forbidden(
            "With the session cookie, send the cookie _xsrf again as the header X-XSRFToken.",
            code=Code.XSRF_FAILED,
        ) from None


def check_origin(handler: ApiHandler) -> None:
    """Let no foreign page log somebody in or register in his name.

    Raises:
        Forbidden: a browser says that the request comes from a page of another site.
    """
    origin = handler.request.headers.get("Origin")
    if origin is None or origin in handler.services.settings.cors_origins:
        return
    if _host_of(origin) != handler.request.host:
        raise errors.Forbidden(
            f"Pages of {origin} may not use this API. If they should, the operator adds the "
            "origin to BOTYARD_CORS_ORIGINS.",
            code=Code.ORIGIN_NOT_ALLOWED,
        )


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def set_session_cookies(handler: ApiHandler, session: SessionRecord, key: str) -> None:
    """Let a browser stay logged in without keeping the key where scripts can read it."""
    handler.set_cookie(
        SESSION_COOKIE,
        key,
        expires=session.expires_at,
        httponly=True,
        samesite="Lax",
        secure=handler.request.protocol == "https",
    )
    _set_xsrf_cookie(handler)


def _set_xsrf_cookie(handler: ApiHandler) -> None:
    token = handler.xsrf_token.decode()
    if handler.get_cookie("_xsrf") is None:
        secure = handler.request.protocol == "https"
        lifetime = handler.services.settings.session_lifetime
        handler.set_cookie("_xsrf", token, expires=now() + lifetime, samesite="Lax", secure=secure)


def clear_session_cookie(handler: ApiHandler) -> None:
    """Take the session cookie back."""
    handler.clear_cookie(SESSION_COOKIE)
