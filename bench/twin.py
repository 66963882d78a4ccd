"""The Django twin under test: gunicorn with sync workers, on a fresh copy of its database."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.botyard import PASSWORD, USER, free_port
from bench.processes import ALL_CORES, ROOT, TESTED_CORE, Client, Process, wait_for
from bench.stage import Stage

_PACKAGE = "bench.peers.django_twin"
_PYTHON = ROOT / ".venv-bench" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Twin:
    """A running twin.

    Args:
        process: gunicorn; its workers are its children.
        port: where it listens.
        authorization: value of that header for the user whom all bots belong to.
    """

    process: Process
    port: int
    authorization: str


@contextmanager
def twin(stage: Stage, bots: int, *, workers: int, others: Sequence[str]) -> Iterator[Twin]:
    """Run the twin; several workers get all cores, as they are of no use on one.

    Args:
        bots: of its first user, all of them off.
        workers: processes of gunicorn.
        others: names of users without bots; the same for each call.
    """
    prepared, token = _prepared(stage, bots, others)
    database = stage.folder / "twin-copy.sqlite3"
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(prepared, database)
    port = free_port()
    arguments = ["-m", "gunicorn", "--no-control-socket", "--bind", f"127.0.0.1:{port}"]
    arguments += ["--workers", str(workers), f"{_PACKAGE}.wsgi"]
    log = stage.folder / "twin.log"
    core = TESTED_CORE if workers == 1 else ALL_CORES
    with Process(
        arguments, program=str(_PYTHON), core=core, log=log, environ=_environ(database)
    ) as process:
        running = Twin(process, port, f"Token {token}")
        _wait_answers(running)
        yield running


def check_installed() -> None:
    """Check that the twin's packages are there.

    Raises:
        RuntimeError: they are not.
    """
    if not _PYTHON.exists():
        raise RuntimeError(
            "the Django twin is not installed; `make bench` does it, or: "
            "python3 -m venv .venv-bench && "
            ".venv-bench/bin/pip install -r bench/peers/django_twin/requirements.txt"
        )


def _environ(database: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": f"{_PACKAGE}.settings",
        "TWIN_DATABASE": str(database),
    }


def _prepared(stage: Stage, bots: int, others: Sequence[str]) -> tuple[Path, str]:
    """A filled database, made once a run, and the first user's token."""
    database, token = stage.folder / "twin.sqlite3", stage.folder / "twin.token"
    if not token.exists():
        made = subprocess.run(
            [_PYTHON, "-m", f"{_PACKAGE}.prepare", str(bots), PASSWORD, USER, *others],
            cwd=ROOT,
            env={**os.environ, **_environ(database)},
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"the twin's database was not made:\n{made.stderr[-3000:]}")
        token.write_text(made.stdout.strip())
    return database, token.read_text()


def _wait_answers(running: Twin) -> None:
    client = Client(running.port, headers={"Authorization": running.authorization})

    def answers() -> bool:
        running.process.check()
        try:
            return client.call("GET", "/api/v1/telegram_data/")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    wait_for("the twin answers", answers, timeout=60)
    client.close()
