"""The command line's help and errors: they name what was typed, in one line."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from support.client import PASSWORD, installation
from support.commands import botyard_command, only_line

from server.cli import main
from server.config import Config

NO_DATABASE = (
    "Error: no database at {folder}/botyard.db; set --data-dir or --database-url (or their "
    "variables), or make a new installation with botyard migrate up"
)


# -- errors


async def test_a_backup_into_no_folder_names_the_path_that_was_typed(tmp_path: Path) -> None:
    installation(tmp_path)
    folder = tmp_path / "nonexist"
    ended = await botyard_command("backup", f"{folder}/x.db", BOTYARD_DATA_DIR=str(tmp_path))
    told = f"Error: {folder}/x.db cannot be written: there is no folder {folder}"
    assert only_line(ended) == told


async def test_a_backup_that_cannot_be_written_names_the_path_that_was_typed(
    tmp_path: Path,
) -> None:
    installation(tmp_path)
    ended = await botyard_command("backup", "/proc/x.db", BOTYARD_DATA_DIR=str(tmp_path))
    assert re.fullmatch(r"Error: /proc/x\.db cannot be written: [A-Z][\w ]+", only_line(ended))


@pytest.mark.parametrize(
    ("args", "argument"),
    [
        (("a", "sqlite:///b"), "FROM: invalid value 'a'"),
        (("sqlite:///a", "b"), "TO: invalid value 'b'"),
    ],
)
async def test_a_wrong_address_to_copy_is_put_down_to_its_argument(
    args: tuple[str, str], argument: str
) -> None:
    line = only_line(await botyard_command("copy-database", *args))
    assert line == (
        f"Error: {argument}; expected sqlite:///path or postgresql://user:password@host/name"
    )


async def test_a_wrong_address_to_copy_is_shown_without_its_password() -> None:
    line = only_line(await botyard_command("copy-database", "mysql://u:pa55@h/n", "sqlite:///b"))
    assert line.startswith("Error: FROM: invalid value 'mysql://***@h/n'")


@pytest.mark.parametrize("command", ["status", "down"])
@pytest.mark.parametrize("exists", [True, False])
async def test_migrations_of_no_database_name_the_path_and_make_nothing(
    tmp_path: Path, command: str, exists: bool
) -> None:
    folder = tmp_path / "data"
    if exists:
        folder.mkdir()
    ended = await botyard_command("migrate", command, "--data-dir", str(folder))
    assert only_line(ended) == NO_DATABASE.format(folder=folder)
    assert [path.name for path in tmp_path.rglob("*")] == (["data"] if exists else [])


@pytest.mark.parametrize("command", ["serve", "sandbox"])
async def test_an_address_of_another_machine_is_told(tmp_path: Path, command: str) -> None:
    # 192.0.2.1 is of the range for documentation (RFC 5737), so of no machine
    ended = await botyard_command(
        command, "--host", "192.0.2.1", "--port", "0", BOTYARD_DATA_DIR=str(tmp_path)
    )
    assert only_line(ended) == (
        "Error: cannot listen on 192.0.2.1: it is not an address of this machine"
    )


async def test_a_wrong_data_folder_is_put_down_to_the_flag_or_to_the_variable(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.touch()
    told = f"invalid value '{file}'; expected a folder, and this is a file"
    by_flag = await botyard_command(
        "serve", "--data-dir", str(file), BOTYARD_DATA_DIR=str(tmp_path)
    )
    assert only_line(by_flag) == f"Error: --data-dir: {told}"
    by_variable = await botyard_command("serve", BOTYARD_DATA_DIR=str(file))
    assert only_line(by_variable) == f"Error: BOTYARD_DATA_DIR: {told}"


@pytest.mark.parametrize("exists", [True, False])
async def test_an_account_is_not_made_where_no_installation_is(
    tmp_path: Path, exists: bool
) -> None:
    folder = tmp_path / "data"
    if exists:
        folder.mkdir()
    create = ("user", "create", "ann", "--password-stdin", "--data-dir", str(folder))
    refused = await botyard_command(*create, stdin=PASSWORD)
    assert only_line(refused) == NO_DATABASE.format(folder=folder)
    assert list(tmp_path.rglob("*")) == ([folder] if exists else [])
    assert (await botyard_command("migrate", "up", "--data-dir", str(folder))).code == 0
    assert (await botyard_command(*create, stdin=PASSWORD)).out == "user ann has the id 1\n"


async def test_an_account_is_not_made_in_an_empty_postgresql(pg_url: str) -> None:
    create = ("user", "create", "ann", "--password-stdin", "--database-url", pg_url)
    refused = await botyard_command(*create, stdin=PASSWORD)
    assert only_line(refused).endswith("run botyard migrate up")


# -- help


def groups() -> list[tuple[str, ...]]:
    """The commands that have commands."""
    nested = [(name,) for name, one in main.commands.items() if isinstance(one, click.Group)]
    return [(), *nested]


@pytest.mark.parametrize("args", groups())
@pytest.mark.parametrize("width", [50, 80])
def test_the_commands_are_listed_with_whole_sentences(args: tuple[str, ...], width: int) -> None:
    shown = CliRunner().invoke(main, [*args, "--help"], terminal_width=width).output
    listed = " ".join(shown.partition("Commands:\n")[2].split())
    group = main.commands[args[0]] if args else main
    assert isinstance(group, click.Group)
    for name, command in group.commands.items():
        assert command.help
        sentence = " ".join(command.help.split("\n\n")[0].split()).partition(". ")[0]
        assert f"{name} {sentence.removesuffix('.')}" in listed


def test_serve_shows_the_default_of_each_option_and_its_choices() -> None:
    shown = " ".join(CliRunner().invoke(main, ["serve", "--help"]).output.split())
    options = re.split(r" (?=--[a-z])", shown.partition("Options: ")[2].partition(" -h, ")[0])
    assert len(options) > 10
    assert [text for text in options if not re.search(r" \[default: [^]]+\]$", text)] == []
    told = dict(text.split(" ", 1) for text in options)
    assert told["--port"] == "PORT port to listen on [default: 8000]"
    choices = {name: text.split()[0] for name, text in told.items() if text.startswith("[")}
    assert choices == {
        "--registration": "[open|closed]",
        "--behind-proxy": "[yes|no]",
        "--log-level": "[debug|info|warning|error]",
        "--log-format": "[human|json]",
    }


def test_every_choice_that_is_shown_is_taken() -> None:
    shown = CliRunner().invoke(main, ["serve", "--help"]).output
    found = re.findall(r"--([a-z-]+) \[([a-z|]+)\]", shown)
    assert found
    for name, choices in found:
        field = name.replace("-", "_")
        read = {getattr(Config.load({}, **{field: choice}), field) for choice in choices.split("|")}
        assert len(read) == choices.count("|") + 1
