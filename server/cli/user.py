"""`botyard user`: manages accounts, with or without a running server."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from models.accounts import administration, rules, sessions, users
from models.accounts.administration import Account
from models.accounts.audit import OPERATOR
from models.accounts.passwords import hash_password, weaknesses
from models.accounts.users import Credentials, UserRecord
from models.errors import EmailTaken, UsernameTaken
from server.cli.base import Group, echo_json, existing, flags, in_database, json_option

_place = flags("data_dir", "database_url")


@click.group(cls=Group)
def user() -> None:
    """Manage accounts; a running server follows within a second or two."""


_password_option = click.option(
    "--password-stdin", is_flag=True, help="read the password from standard input"
)


@user.command("create")
@click.argument("username")
@click.option("--email", default="", help="e-mail address")
@click.option("--staff", is_flag=True, help="give access to all accounts and bots")
@_password_option
@_place
def create_user(
    username: str, email: str, staff: bool, password_stdin: bool, **flags: str | None
) -> None:
    """Add an account."""
    existing(flags)  # before a password is asked for
    _check_field(rules.USERNAME, username)
    _check_field(rules.EMAIL, email)
    password_hash = hash_password(_new_password(password_stdin, username=username, email=email))
    fields: dict[str, Any] = {"username": username, "email": email, "is_staff": staff}
    try:
        made = in_database(flags, users.create, password_hash=password_hash, by=OPERATOR, **fields)
    except UsernameTaken:
        raise click.ClickException(f"there is a user {username!r} already") from None
    except EmailTaken:
        raise click.ClickException(f"a user with the address {email!r} exists already") from None
    click.echo(f"user {made.username} has the id {made.id}")


@user.command("set-password")
@click.argument("username")
@_password_option
@_place
def set_password(username: str, password_stdin: bool, **flags: str | None) -> None:
    """Give an account a new password and end its sessions."""
    found = _account(flags, username)
    password = _new_password(password_stdin, username=found.username, email=found.email)
    password_hash = hash_password(password)
    in_database(
        flags,
        sessions.change_password,
        found,
        password_hash,
        checked_hash=None,
        keep=None,
        by=OPERATOR,
    )
    click.echo(f"changed the password of {found.username} and ended all sessions")


@user.command("disable")
@click.argument("username")
@_place
def disable(username: str, **flags: str | None) -> None:
    """End an account's sessions, stop its bots, and forbid logging in."""
    found = _change(flags, username, disabled=True)
    click.echo(f"disabled {found.username}: sessions ended, bots stopping")


@user.command("enable")
@click.argument("username")
@_place
def enable(username: str, **flags: str | None) -> None:
    """Undo `disable`; the bots that were switched on start again."""
    found = _change(flags, username, disabled=False)
    click.echo(f"enabled {found.username}: active bots starting")


@user.command("staff")
@click.argument("username")
@click.option("--remove", is_flag=True, help="remove staff rights")
@_place
def staff(username: str, remove: bool, **flags: str | None) -> None:
    """Give an account access to all accounts and bots, or remove it."""
    found = _change(flags, username, is_staff=not remove)
    is_now = "is no longer" if remove else "is"
    click.echo(f"{found.username} {is_now} staff; this takes effect within two seconds")


@user.command("delete")
@click.argument("username")
@click.option("--yes", is_flag=True, help="do not ask for confirmation")
@_place
def delete(username: str, yes: bool, **flags: str | None) -> None:
    """Delete an account with its bots. Only a backup can bring them back."""
    found = _account(flags, username)
    if not yes:
        click.confirm(f"Delete {found.username} with all bots?", abort=True)
    gone = in_database(flags, users.delete, found.id, by=OPERATOR)
    bots = "1 bot" if len(gone) == 1 else f"{len(gone)} bots"
    click.echo(f"{found.username} and {bots} are deleted")


@user.command("list")
@json_option
@_place
def list_users(as_json: bool, **flags: str | None) -> None:
    """List the accounts, with the number of their bots and of active ones."""
    listed = in_database(flags, administration.accounts)
    if as_json:
        echo_json([_flat(account) for account in listed])
        return
    click.echo(f"{'id':>6}  {'username':<24}  {'email':<32}  {'bots':>5}  {'active':>6}  since")
    for account in listed:
        row = account.user
        since = f"{row.created_at:%Y-%m-%d %H:%M}"
        marks = [
            name
            for name, on in (("staff", row.is_staff), ("disabled", row.disabled_at is not None))
            if on
        ]
        click.echo(
            f"{row.id:>6}  {row.username:<24}  {row.email or '-':<32}  {account.bots:>5}  "
            f"{account.active_bots:>6}  {since}  {' '.join(marks)}".rstrip()
        )


def _flat(account: Account) -> dict[str, Any]:
    return asdict(account.user) | {"bots": account.bots, "active_bots": account.active_bots}


def _account(flags: dict[str, str | None], username: str) -> UserRecord:
    found: Credentials | None = in_database(
        flags, users.find_credentials, username=username, email=None
    )
    if found is None:
        raise click.ClickException(f"there is no user {username!r}")
    return found.user


def _change(flags: dict[str, str | None], username: str, **changes: bool) -> UserRecord:
    found = _account(flags, username)
    in_database(flags, administration.change, found.id, changes, by=OPERATOR)
    return found


def _check_field(field_rules: rules.Rules, text: str) -> None:
    if sentence := rules.problem(field_rules, text):
        raise click.ClickException(f"{text!r}: {sentence}")


def _new_password(from_stdin: bool, *, username: str, email: str) -> str:
    if from_stdin:
        try:
            password = sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.ClickException("the password must come as UTF-8") from None
    else:
        if not sys.stdin.isatty():
            raise click.ClickException(
                "there is no terminal to ask for the password: use --password-stdin"
            )
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if found := weaknesses(password, username=username, email=email):
        raise click.ClickException(" ".join(found))
    return password
