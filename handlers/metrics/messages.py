"""The metrics of messages, and of the files that are uploaded for them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from prometheus_client.core import Metric

from handlers.metrics.families import counter, gauge
from models.messaging.media import Totals
from models.messaging.messages import Waiting


def message_metrics(
    outcomes: Mapping[tuple[str, str], int],
    waiting: list[Waiting] | None,
    received: Mapping[str, int],
) -> Iterator[Metric]:
    """Yield the families.

    Args:
        outcomes: the number of messages since the start, by state and reason.
        waiting: the messages that are to be sent; None if the database does not answer.
        received: the number of messages of people since the start, by kind.
    """
    yield counter(
        "botyard_messages_received",
        "Messages of people, and what else they did, that were handled.",
        {(kind,): count for kind, count in received.items()},
        "kind",
    )
    yield counter(
        "botyard_messages",
        "Messages sent or given up, and messages whose outcome is unknown.",
        {(str(state), str(reason)): count for (state, reason), count in outcomes.items()},
        "state", "reason",
    )  # fmt: skip
    yield gauge(
        "botyard_outbox_messages",
        "Messages to be sent, including those of bots that are off.",
        {(one.lane.name.lower(), str(one.state)): one.count for one in waiting or ()},
        "lane", "state",
    )  # fmt: skip
    now = time.time()
    ages: dict[tuple[str], float] = {}
    for one in waiting or ():
        if one.oldest is not None:
            lane = (one.lane.name.lower(),)
            ages[lane] = max(ages.get(lane, 0.0), now - one.oldest.timestamp())
    yield gauge(
        "botyard_outbox_oldest_seconds",
        "Age of the oldest message to be sent by a bot that should run.",
        ages,
        "lane",
    )


def media_metrics(totals: Totals | None) -> Iterator[Metric]:
    """Yield the families.

    Args:
        totals: the uploaded files; None if the database does not answer.
    """
    about = "Uploaded files, with those that are being uploaded."
    yield gauge("botyard_media_files", about, {(): totals.files} if totals else {})
    about = "Bytes of uploaded files, with the room that uploads need."
    yield gauge("botyard_media_bytes", about, {(): totals.size} if totals else {})
