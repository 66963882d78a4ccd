"""What the one file does at its start, without the file: the folders that it removes and keeps."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.server_process import ROOT

OURS = (
    "0-botyard-one-file",
    "libz.so.1",
    "_cffi_backend.cpython-311-x86_64-linux-gnu.so",
    "server",
)

AT_START = "exec(open('packaging/at_start.py').read())"


def start(folder: Path) -> None:
    """Run at_start.py as in a folder that was unpacked in here, to the end."""
    unpacked = folder / "_MEIrunning"
    unpacked.mkdir()
    for name in OURS:
        (unpacked / name).touch()
    code = (
        f"import sys; sys._MEIPASS = {str(unpacked)!r}; exec(open('packaging/at_start.py').read())"
    )
    environ = {name: value for name, value in os.environ.items() if "STATICX" not in name}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, check=True)
    assert set(os.listdir(unpacked)) == set(OURS)


def left(folder: Path, name: str, *files: str, old: bool = True) -> Path:
    """A folder of a run that is over, with files in it."""
    path = folder / name
    path.mkdir()
    for file in files:
        (path / file).touch()
    if old:
        os.utime(path, (0, 0))
    return path


@pytest.mark.parametrize("name", ["_MEIab12Cd", "staticx-abCDef"])
@pytest.mark.parametrize("files", [(), OURS[:1], OURS[1:2], OURS[1:3]])
def test_what_was_killed_while_it_unpacked_is_removed(
    tmp_path: Path, name: str, files: tuple[str, ...]
) -> None:
    path = left(tmp_path, name, *files)
    start(tmp_path)
    assert not path.exists()


@pytest.mark.parametrize(
    "files",
    [
        ("libz.so.1", "base_library.zip"),  # another program of that kind, running
        ("libz.so.1", "libother.so"),
        ("libz.so.1", "server"),
        ("other",),
    ],
)
def test_what_another_program_unpacked_stays(tmp_path: Path, files: tuple[str, ...]) -> None:
    path = left(tmp_path, "_MEIab12Cd", *files)
    start(tmp_path)
    assert path.exists()


@pytest.mark.parametrize("files", [(), OURS[:1], OURS[1:2]])
def test_what_may_still_be_unpacked_stays(tmp_path: Path, files: tuple[str, ...]) -> None:
    path = left(tmp_path, "_MEIab12Cd", *files, old=False)
    start(tmp_path)
    assert path.exists()


def test_what_is_locked_stays(tmp_path: Path) -> None:
    path = left(tmp_path, "_MEIab12Cd", *OURS[1:2])
    held = os.open(path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    start(tmp_path)
    os.close(held)
    assert path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_is_another_users_stays(tmp_path: Path) -> None:
    path = left(tmp_path, "_MEIab12Cd", *OURS[1:2])
    os.chown(path, 65534, 65534)
    start(tmp_path)
    assert path.exists()
