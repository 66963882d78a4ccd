"""Authentication: a bearer key, or the session cookie with the XSRF token."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

import tornado.web

from handlers import errors
from handlers.access_tokens import InvalidAccessToken
from handlers.dependencies import ServiceHandler
from handlers.errors import Code
from models.accounts.principal import Principal, Via
from models.accounts.sessions import SessionRecord

SESSION_COOKIE = "botyard_session"
XSRF_COOKIE = "_xsrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SCHEMES = frozenset({"bearer", "token"})  # the second is sent by Django REST frontends


async def authenticate(handler: ServiceHandler) -> Principal:
    """Authenticate the caller of a request.

    Raises:
        Unauthorized: there is no valid key.
        Forbidden: the cookie came without its XSRF token.
    """
    header = handler.request.headers.get("Authorization")
    if header is not None:
        scheme, _, key = header.strip().partition(" ")
        if scheme.lower() not in SCHEMES:
            raise errors.Unauthorized("Send the key as 'Authorization: Bearer KEY'.")
        principal, _ = await _identify(handler, key.strip())
        return principal
    cookie = handler.get_cookie(_session_cookie(handler))
    if not cookie:
        raise errors.Unauthorized("Log in first, and send the key as 'Authorization: Bearer KEY'.")
    principal, session = await _identify(handler, cookie)
    _check_page(handler, session)
    return principal


async def _identify(handler: ServiceHandler, key: str) -> tuple[Principal, SessionRecord]:
    try:
        claims = handler.services.keys.read(key)
    except InvalidAccessToken as error:
        raise errors.invalid_key(str(error)) from None
    pair = await handler.services.sessions.find(claims.session_id, claims.user_id)
    if pair is None:
        raise errors.revoked_key()
    user, session = pair
    return Principal(user, Via.SESSION, session.id), session


def _check_page(handler: ServiceHandler, session: SessionRecord) -> None:
    """Reject a request that changes something and does not come from a page of this site.

    Raises:
        Forbidden: the browser names another site, or the XSRF token is not that of the session.
    """
    if handler.request.method not in SAFE_METHODS:
        check_origin(handler)
        _check_xsrf(handler, session)
    else:
        _set_xsrf_cookie(handler, session)


def _check_xsrf(handler: ServiceHandler, session: SessionRecord) -> None:
    expected = handler.services.keys.xsrf_token(session)
    sent = handler.get_cookie(XSRF_COOKIE) or ""
    try:
        handler.check_xsrf_cookie()  # header and cookie are the same
        fits = hmac.compare_digest(sent.encode(), expected.encode())
    except tornado.web.HTTPError:
        fits = False
    if not fits:
        _set_xsrf_cookie(handler, session)
        raise errors.Forbidden(
            "Requests with the session cookie must repeat the value of the cookie _xsrf "
            "in the header X-XSRFToken.",
            code=Code.XSRF_FAILED,
        )


def check_origin(handler: ServiceHandler) -> None:
    """Reject requests of other sites' pages: cross-site writes, login and registration.

    Raises:
        Forbidden: a browser says that the request comes from a page of another site.
    """
    headers = handler.request.headers
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
    if origin in handler.services.settings.cors_origins or site in ("same-origin", "none"):
        return
    if site is None and (origin is None or _host_of(origin) == handler.request.host):
        return  # no browser, or one that does not send Sec-Fetch-Site
    raise errors.Forbidden(
        f"Pages from {(origin or 'another site')[:200]} may not use this API. "
        "The operator can allow this origin in BOTYARD_CORS_ORIGINS.",
        code=Code.ORIGIN_NOT_ALLOWED,
    )


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _session_cookie(handler: ServiceHandler) -> str:
    """Return the name of the session's cookie.

    On https no other host of the domain can set it: browsers hold that of the prefix (RFC 6265bis,
    section 4.1.3.2).
    """
    return f"__Host-{SESSION_COOKIE}" if handler.request.protocol == "https" else SESSION_COOKIE


def has_session_cookie(handler: ServiceHandler) -> bool:
    """Return True if the request has a session cookie, with any value."""
    return bool(handler.get_cookie(_session_cookie(handler)))


def set_session_cookies(handler: ServiceHandler, session: SessionRecord, key: str) -> None:
    """Keep a browser logged in, with the key where scripts cannot read it."""
    handler.set_cookie(
        _session_cookie(handler),
        key,
        expires=session.expires_at,
        httponly=True,
        samesite="Lax",
        secure=handler.request.protocol == "https",
    )
    _set_xsrf_cookie(handler, session)


def _set_xsrf_cookie(handler: ServiceHandler, session: SessionRecord) -> None:
    token = handler.services.keys.xsrf_token(session)
    if handler.get_cookie(XSRF_COOKIE) != token:
        secure = handler.request.protocol == "https"
        expires = session.expires_at
        handler.set_cookie(XSRF_COOKIE, token, expires=expires, samesite="Lax", secure=secure)


def clear_session_cookie(handler: ServiceHandler) -> None:
    """Remove the session cookie."""
    secure = handler.request.protocol == "https"  # without it browsers ignore __Host- cookies
    handler.clear_cookie(_session_cookie(handler), secure=secure)
