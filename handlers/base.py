"""The base of all handlers: access checks, and sending of answers."""

from __future__ import annotations

from asyncio import Future
from typing import Any, ClassVar

import orjson
import tornado.web

from handlers import errors, request_id
from handlers.authentication import authenticate, check_origin
from handlers.bodies import JSON_TYPE
from handlers.errors import Code
from handlers.problems import ProblemHandler
from models.accounts.audit import Actor
from models.accounts.principal import Principal


class ApiHandler(ProblemHandler):
    """A resource of the API. Errors are raised, never written.

    Attributes:
        public: methods that need no key; every other method does.
        key_optional: methods that accept callers without a key, and check one that is sent.
        any_host: True where the name that the client uses does not matter.
        staff_only: True where the caller must be staff.
        by_session: True where the rate is the session's, not the account's.
        drained: False where the end of the server does not wait for the answer.
    """

    public: ClassVar[frozenset[str]] = frozenset()
    key_optional: ClassVar[frozenset[str]] = frozenset()
    any_host: ClassVar[bool] = False
    staff_only: ClassVar[bool] = False
    by_session: ClassVar[bool] = False
    drained: ClassVar[bool] = True
    _principal: Principal | None = None

    @property
    def principal(self) -> Principal:
        """The authenticated caller.

        Raises:
            Unauthorized: there is none; the method is public.
        """
        if self._principal is None:
            raise errors.Unauthorized("Log in first.")
        return self._principal

    @property
    def caller_id(self) -> int | None:
        """The caller's account, for the log; None if nobody is authenticated."""
        return self._principal.user.id if self._principal else None

    @property
    def actor(self) -> Actor:
        """The caller, for writes and the audit log."""
        return self.principal.actor(self.address, staff=self.staff_only)

    @property
    def address(self) -> str:
        """The IP address that the request comes from."""
        return self.request.remote_ip or ""

    # -- the request

    async def prepare(self) -> None:
        """Check the request; its body has been received, unless the handler streams it."""
        self.check_host()
        self.check_body_size()
        await self.admit(self.request.method or "")

    def check_host(self) -> None:
        """Reject a request for a name that is not this server's.

        A page can give its own name the address of this machine (DNS rebinding), and would then
        be of the same origin as this server for the browser.

        Raises:
            BadRequest: the header Host holds another name.
        """
        allowed = self.services.settings.allowed_hosts
        if allowed is not None and not self.any_host and self.request.host_name not in allowed:
            raise errors.BadRequest(
                f"This server does not accept the host name {self.request.host_name[:100]}. "
                "The operator can add it to BOTYARD_ALLOWED_HOSTS.",
                code=Code.HOST_NOT_ALLOWED,
            )

    async def admit(self, method: str) -> None:
        """Authenticate the caller and count the request; raise the error it is rejected with."""
        if method not in self.allowed_methods():
            raise tornado.web.HTTPError(405)
        if method in self.public or method == "OPTIONS":
            return
        try:
            self._principal = await authenticate(self)
        except errors.Unauthorized:
            if method not in self.key_optional or "Authorization" in self.request.headers:
                raise
            check_origin(self)
            return
        self.services.limits.check(
            self._principal, method, address=self.address, by_session=self.by_session
        )

    async def head(self, *args: str) -> None:
        """Answer as GET does, without the body."""
        result = self.get(*args)
        if result is not None:
            await result

    async def options(self, *_: str) -> None:
        """Answer with the methods of the resource."""
        self.answer_options(self.allowed_methods())

    # -- the answer

    def answer(self, data: Any, *, status: int = 200) -> None:
        """Write JSON.

        Args:
            data: data that orjson can write.
            status: the status of the answer.
        """
        self.set_status(status)
        self.set_header("Content-Type", JSON_TYPE)
        self.finish(orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE))

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        """Send the answer; during a shutdown, close the connection after it."""
        if self.services.traffic.draining:
            self.set_header("Connection", "close")
        return super().finish(chunk)

    async def _execute(self, transforms: list[Any], *args: bytes, **kwargs: bytes) -> None:
        # not in on_finish: a request whose body never arrives in full does not finish
        with (
            self.services.traffic.counted(drained=self.drained),
            request_id.under_way(self.request_id),
        ):
            await super()._execute(transforms, *args, **kwargs)


class UnknownPath(ApiHandler):
    """Every path without a resource."""

    public = frozenset(tornado.web.RequestHandler.SUPPORTED_METHODS)

    async def admit(self, method: str) -> None:
        """Answer with 404."""
        raise errors.NotFound(f"There is nothing at {self.shown_path}.")
