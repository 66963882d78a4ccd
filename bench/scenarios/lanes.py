"""Answers beside a long queue of messages that may wait, at a Bot API with Telegram's limits."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.botyard import Botyard, free_port
from bench.figures import percentile
from bench.processes import LOAD_CORE, TESTED_CORE, Client, Process, wait_for
from bench.stage import Stage

RATE = 3  # answers a second
CHATS = 60  # so that no answer waits for its chat


def run(stage: Stage) -> dict[str, Any]:
    """Measure the time to an answer without and with a queue of the lowest lane.

    Returns:
        `alone` and `beside`, each with `p50_ms`, `p95_ms`, `low_per_second`; `refused`: the calls
        that the limits refused; `queued`.
    """
    sizes = stage.sizes
    port = free_port()
    arguments = ["-m", "server", "sandbox", "--limits", "--port", str(port)]
    with Process(arguments, core=LOAD_CORE, log=stage.folder / "sandbox.log") as sandbox:
        telegram = Client(port)
        wait_for("the sandbox", lambda: _is_up(telegram, sandbox), timeout=20)
        bot = _call(telegram, "POST", "/control/bots", {})
        found: dict[str, Any] = {"queued": sizes.queued}
        with _server(stage, port) as botyard:
            botyard.register()
            botyard.add_bot(bot["token"])
            stage.say("answers alone")
            found["alone"] = _measure(telegram, bot["id"], sizes.lanes_window)
        _queue(stage.folder / "lanes" / "botyard.db", sizes.queued)
        with _server(stage, port):
            stage.say(f"answers beside {sizes.queued} messages of the lowest lane")
            found["beside"] = _measure(telegram, bot["id"], sizes.lanes_window)
        found["refused"] = _call(telegram, "GET", f"/control/bots/{bot['id']}")["refusals"]
    return found


@contextmanager
def _server(stage: Stage, telegram: int) -> Iterator[Botyard]:
    port, data = free_port(), stage.folder / "lanes"
    environ = {
        "BOTYARD_PORT": str(port),
        "BOTYARD_DATA_DIR": str(data),
        "BOTYARD_TELEGRAM_API_URL": f"http://127.0.0.1:{telegram}",
    }
    log = stage.folder / "lanes.log"
    arguments = ["-m", "server", "serve"]
    with Process(arguments, core=TESTED_CORE, log=log, environ=environ) as process:
        botyard = Botyard(process, port)
        botyard.wait_answers("/readyz")
        yield botyard


def _is_up(telegram: Client, sandbox: Process) -> bool:
    sandbox.check()
    try:
        return telegram.call("GET", "/control/bots")[0] == 200
    except OSError:
        return False


def _call(client: Client, method: str, path: str, body: Any = None) -> Any:
    status, answer = client.call(method, path, body)
    if status not in (200, 201):
        raise RuntimeError(f"the sandbox answered {status}: {answer}")
    return answer


def _queue(database: Path, number: int) -> None:
    """Store messages as a broadcast does, in turns for the chats that are known."""
    connection = sqlite3.connect(database)
    with connection:
        connection.executemany(
            "INSERT INTO messages (bot_id, chat_id, lane, state, method, parameters, typing, "
            "created_at) SELECT id, ?, 3, 'queued', 'sendMessage', ?, 0, datetime('now') FROM bots",
            (
                (1 + n % CHATS, f'{{"chat_id": {1 + n % CHATS}, "text": "low {n}"}}'.encode())
                for n in range(number)
            ),
        )
    connection.close()


def _measure(telegram: Client, bot: int, seconds: float) -> dict[str, float]:
    """Write at a steady rate; the times from a message to its answer, in milliseconds."""
    sent_before = _sent(telegram, bot)
    asked: dict[str, float] = {}
    began = time.monotonic()
    for n in range(int(seconds * RATE)):
        time.sleep(max(0.0, began + n / RATE - time.monotonic()))
        text = f"ask {began} {n}"
        asked[text] = time.monotonic()
        body = {"text": text, "chat_id": 1 + n % CHATS}
        _call(telegram, "POST", f"/control/bots/{bot}/messages", body)
    wait_for(
        "the answers",
        lambda: asked.keys() <= {one["message"]["text"] for one in _sent(telegram, bot)},
        timeout=30,
    )
    sent = _sent(telegram, bot)[len(sent_before) :]
    times = sorted(
        1000 * (one["monotonic"] - asked[one["message"]["text"]])
        for one in sent
        if one["message"]["text"] in asked
    )
    low = sum(one["message"]["text"].startswith("low ") for one in sent)
    return {
        "p50_ms": percentile(times, 0.5),
        "p95_ms": percentile(times, 0.95),
        "low_per_second": low / (time.monotonic() - began),
    }


def _sent(telegram: Client, bot: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _call(telegram, "GET", f"/control/bots/{bot}/sent")
    return found
