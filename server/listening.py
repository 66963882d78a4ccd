"""Listening sockets, and a sentence that names the setting when an address cannot be used."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tornado.netutil import bind_sockets


@contextmanager
def listening_on(host: str, port: int, *, setting: str) -> Iterator[None]:
    """Name the address in an error, and the setting that changes the port.

    Raises:
        OSError: with that sentence.
    """
    try:
        yield
    except socket.gaierror as error:
        raise OSError(error.errno, f"cannot listen on {host}: {error.strerror}") from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise OSError(
                error.errno, f"cannot listen on {host}: it is not an address of this machine"
            ) from error
        why = error.strerror or str(error)
        raise OSError(
            error.errno, f"cannot listen on {host}:{port}: {why}; {setting} sets another port"
        ) from error


def bind(host: str, port: int, *, setting: str) -> list[socket.socket]:
    """Bind sockets to an address, one for each that the host name resolves to.

    Args:
        setting: the setting that changes the port, for the sentence.

    Raises:
        OSError: the address cannot be listened on.
    """
    with listening_on(host, port, setting=setting):
        return bind_sockets(port, host)


def url_of(host: str, sock: socket.socket) -> str:
    """Return the URL of a listening socket, with the port that the system chose."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{sock.getsockname()[1]}"
