"""docs/deployment.md, read and run: its commands take a machine from nothing to an https site."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.server_process import ROOT

from server.cli import main
from server.config import Config
from server.setting_values import PREFIX

TEXT = (ROOT / "docs" / "deployment.md").read_text()
FILE = ROOT / "dist" / "botyard-linux-x86_64"
NAME = "panel.example.org"
# Why a command is for the reader alone: another machine, a public name, a registry.
NOT_HERE = re.compile(r"apt-get|make binary|scp|certbot|docker|systemctl reload caddy|--")
TOOLS = ("bwrap", "adduser", "runuser", "nginx", "caddy", "curl", "openssl", "pg_createcluster")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# What systemd does with the unit as far as these commands need it: the user, the environment,
# the folders, SIGTERM and its exit code. tests/deploy/test_deploy.py has the sandbox around it.
SYSTEMCTL = r"""#!/bin/bash
set -euo pipefail
unit=/etc/systemd/system/botyard.service
setting() { sed -n "s/^$1=//p" "$unit"; }

start() {
    local user state cache
    user=$(setting User) state=/var/lib/$(setting StateDirectory)
    cache=/var/cache/$(setting CacheDirectory)
    install -d -m 700 -o "$user" -g "$user" "$state" "$cache"
    (
        set -a
        eval "$(setting Environment | tr ' ' '\n')"
        . "$(setting EnvironmentFile | sed 's/^-//')"
        while read -r name; do
            [[ $name == BOTYARD_* || $name == TMPDIR ]] || export -n "$name"
        done < <(compgen -e)
        cd /
        exec setpriv --reuid "$user" --regid "$user" --clear-groups \
            $(setting ExecStart) >>/var/log/botyard.log 2>&1
    ) &
    echo $! >/run/botyard.pid
}

stop() {
    kill -TERM "$(cat /run/botyard.pid)"
    tail --pid="$(cat /run/botyard.pid)" -f /dev/null
    tail -1 /var/log/botyard.log | grep -q 'ended$'
    [ -z "$(ls -A /var/cache/botyard)" ]
}

case $* in
daemon-reload) [ -f "$unit" ] ;;
"enable --now botyard" | "start botyard") start ;;
"stop botyard") stop ;;
"restart botyard") stop && start ;;
"reload nginx") nginx ;;
*) echo "systemctl $*: not expected here" >&2; exit 1 ;;
esac
"""

# A machine on which the packages are installed, the certificate is there and the name is public.
BEFORE = rf"""
set -euo pipefail
exec 2>&1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={NAME} \
    -addext subjectAltName=DNS:{NAME} -keyout privkey.pem -out fullchain.pem 2>/dev/null
install -D -t /etc/letsencrypt/live/{NAME} privkey.pem fullchain.pem
export CURL_CA_BUNDLE=/etc/letsencrypt/live/{NAME}/fullchain.pem
echo "127.0.0.1 localhost {NAME}" >/etc/hosts
rm -rf /etc/postgresql/*
version=$(ls /usr/lib/postgresql | tail -1)
install -d -m 1777 /run/lock /var/lib/postgresql /var/log/postgresql
install -d -m 755 /var/log/nginx /var/lib/nginx /etc/caddy
install -d -m 1777 -o postgres /run/postgresql
pg_createcluster "$version" main --start >/dev/null
trap 'pg_ctlcluster "$version" main stop --mode immediate' EXIT
set -x
"""


def blocks(kind: str) -> list[str]:
    """The code blocks of a kind, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_every_block_of_commands_is_run_or_cannot_be() -> None:
    kinds = re.findall(r"^```(\w*)$", TEXT, re.MULTILINE)
    assert set(kinds) == {"sh", "console", ""}
    assert kinds.count("") == len(blocks("sh")) + len(blocks("console"))
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert [line for line in lines if not NOT_HERE.search(line)] == []


def test_every_setting_it_names_exists() -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", TEXT))
    assert named
    assert named <= {PREFIX + name.upper() for name in Config.__dataclass_fields__}


def test_every_command_and_file_it_names_exists() -> None:
    called = set(re.findall(r"as_botyard ([a-z-]+)", TEXT)) | {"serve"}
    assert called <= set(main.commands)
    for name in set(re.findall(r"\bdeploy/([A-Za-z.]+)\b", TEXT)):
        assert (ROOT / "deploy" / name).is_file(), name


@pytest.mark.binary
@pytest.mark.timeout(180)
def test_its_commands_take_a_machine_from_nothing_to_postgresql(tmp_path: Path) -> None:
    _check_machine()
    done = subprocess.run(
        [*_machine(tmp_path), "bash", "-c", BEFORE + "\n".join(blocks("sh"))],
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    log = tmp_path / "log" / "botyard.log"
    said = done.stdout + done.stderr + (log.read_text() if log.exists() else "")
    assert done.returncode == 0, said[-6000:]
    assert '"key":' in done.stdout, "the login through the proxy"
    assert re.search(r"^users +1$", done.stdout, re.MULTILINE), "the count of copied accounts"
    assert len(re.findall(r"^ +1 +ann ", done.stdout, re.MULTILINE)) == 2, "on both databases"
    assert "Traceback" not in said


def _check_machine() -> None:
    """Skip where the commands cannot run; say what is missing."""
    if os.geteuid() != 0:
        pytest.skip("the commands are root's")
    assert FILE.is_file(), f"{FILE} is missing: make binary"
    missing = [name for name in TOOLS if shutil.which(name, path=PATH) is None]
    assert missing == [], f"missing: {missing}"


def _machine(folder: Path) -> list[str]:
    """A command before commands: this machine's programs, but fresh folders to write to.

    It has a network of its own, so that the site's own ports are free.
    """
    home = folder / "home"
    home.mkdir()
    shutil.copy(FILE, home)
    shutil.copytree(ROOT / "deploy", home / "deploy")
    shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
    for name in ("bin", "sbin", "lib", "cache", "log", "run", "tmp"):
        (folder / name).mkdir()
    stand_in = folder / "sbin" / "systemctl"
    stand_in.write_text(SYSTEMCTL)
    stand_in.chmod(0o755)
    writable = {
        "etc": "/etc", "bin": "/usr/local/bin", "sbin": "/usr/local/sbin", "lib": "/var/lib",
        "cache": "/var/cache", "log": "/var/log", "run": "/run", "tmp": "/tmp", "home": "/root",
    }  # fmt: skip
    binds = [word for name, to in writable.items() for word in ("--bind", str(folder / name), to)]
    return [
        "bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", *binds,
        "--unshare-pid", "--unshare-net", "--die-with-parent", "--chdir", "/root",
        "--clearenv", "--setenv", "PATH", PATH, "--setenv", "HOME", "/root",
    ]  # fmt: skip
