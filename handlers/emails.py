"""Links by e-mail: a new password for those who forgot theirs, and verified addresses."""

from __future__ import annotations

from tornado.web import url

from handlers.authentication import check_origin
from handlers.rest_auth import RestAuthHandler
from handlers.schemas.emails import (
    EmailAddressSchema,
    EmailVerificationSchema,
    PasswordResetSchema,
)
from models.accounts.audit import Actor
from models.accounts.email_tokens import Purpose


class EmailHandler(RestAuthHandler):
    """The base: for everybody, on servers that send mail."""

    public = frozenset({"POST"})

    @property
    def anonymous_actor(self) -> Actor:
        """The account that a token proves, from the caller's address."""
        return Actor(address=self.address)

    async def admit(self, method: str) -> None:
        """Answer 404 where no mail is sent, and reject pages of other sites."""
        await super().admit(method)
        if method == "POST":
            self.services.emails.check_on()
            check_origin(self)


class PasswordReset(EmailHandler):
    """Requests for a new password."""

    async def post(self) -> None:
        """Send a link to an e-mail address, if an account has it and it is verified.

        The answer is the same if not.

        ---
        summary: Ask for a new password
        tags: [Accounts]
        requestBody: {schema: EmailAddressSchema}
        responses:
          200: {description: "Sent, if an account has it.", schema: DetailSchema}
          404: {description: This server sends no mail., codes: [not_found]}
          429:
            description: Too many attempts; see the header Retry-After.
            codes: [too_many_attempts, busy]
        """
        body = self.load(EmailAddressSchema)
        emails = self.services.emails
        await emails.send(body["email"], purpose=Purpose.RESET, by=self.anonymous_actor)
        self.answer({"detail": "Password reset e-mail has been sent."})


class PasswordResetConfirmation(EmailHandler):
    """New passwords."""

    async def post(self) -> None:
        """Set a new password with the token of a link; every session of the account ends.

        ---
        summary: Set a new password
        tags: [Accounts]
        requestBody: {schema: PasswordResetSchema}
        responses:
          200: {description: The password is set., schema: DetailSchema}
          404: {description: This server sends no mail., codes: [not_found]}
          429:
            description: Too many attempts; see the header Retry-After.
            codes: [too_many_attempts, busy]
        """
        body = self.load(PasswordResetSchema)
        await self.services.emails.reset_password(
            body["token"],
            uid=body.get("uid"),
            new=body["new_password1"],
            by=self.anonymous_actor,
        )
        self.answer({"detail": "Password has been reset with the new password."})


class EmailVerification(EmailHandler):
    """Proofs that an account's owner reads its address."""

    async def post(self) -> None:
        """Verify an e-mail address with the key of a link.

        ---
        summary: Verify an e-mail address
        tags: [Accounts]
        requestBody: {schema: EmailVerificationSchema}
        responses:
          200: {description: Verified., schema: DetailSchema}
          404: {description: This server sends no mail., codes: [not_found]}
          429:
            description: Too many attempts; see the header Retry-After.
            codes: [too_many_attempts]
        """
        body = self.load(EmailVerificationSchema)
        await self.services.emails.verify(body["key"], by=self.anonymous_actor)
        self.answer({"detail": "ok"})


class VerificationEmail(EmailHandler):
    """Requests for another link."""

    async def post(self) -> None:
        """Send the link once more, if an account has the address and it is not verified.

        The answer is the same if not.

        ---
        summary: Ask for another verification mail
        tags: [Accounts]
        requestBody: {schema: EmailAddressSchema}
        responses:
          200: {description: "Sent, if it is needed.", schema: DetailSchema}
          404: {description: This server sends no mail., codes: [not_found]}
          429:
            description: Too many attempts; see the header Retry-After.
            codes: [too_many_attempts, busy]
        """
        body = self.load(EmailAddressSchema)
        emails = self.services.emails
        await emails.send(body["email"], purpose=Purpose.VERIFICATION, by=self.anonymous_actor)
        self.answer({"detail": "ok"})


routes = [
    url(r"/rest-auth/password/reset/?", PasswordReset),
    url(r"/rest-auth/password/reset/confirm/?", PasswordResetConfirmation),
    url(r"/rest-auth/registration/verify-email/?", EmailVerification),
    url(r"/rest-auth/registration/resend-email/?", VerificationEmail),
]
