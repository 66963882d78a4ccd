"""When a server is ready: once, after its boot."""

from __future__ import annotations

from runner.boot_progress import BootProgress


def test_a_server_is_ready_when_every_bot_of_its_boot_was_tried() -> None:
    boot = BootProgress()
    assert not boot.ready
    boot.add([1, 2], [1, 2])
    boot.tried(1)
    assert not boot.ready
    boot.tried(2)
    assert boot.ready


def test_a_server_without_bots_is_ready() -> None:
    boot = BootProgress()
    boot.add([], [])
    assert boot.ready


def test_a_server_that_takes_bots_over_stays_ready() -> None:
    boot = BootProgress()
    boot.add([], [])
    boot.add([1, 2], [1, 2])
    assert (boot.ready, boot.queued) == (True, 2)
    boot.forget_all()
    assert (boot.ready, boot.queued) == (True, 0)
