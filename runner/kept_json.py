"""JSON that stays in memory."""

from __future__ import annotations

from typing import Any

import orjson


def kept_json(value: Any) -> bytes:
    """Return a value as JSON that takes no more memory than its bytes.

    What orjson returns holds a block of 4 KB, however short it is. That is without harm for a
    moment, but each bot waits for an answer to its long poll with the body of the request in hand.
    """
    return bytes(memoryview(orjson.dumps(value)))
