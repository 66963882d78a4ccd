"""How large values are."""

from __future__ import annotations

import json
from typing import Any

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def size_of(value: Any) -> int:
    """Return the size of a value as JSON, in bytes; an empty one, None, has none."""
    return 0 if value is None else len(_ENCODE(value).encode(errors="surrogatepass"))
