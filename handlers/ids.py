"""Ids of rows in addresses and keys."""

from __future__ import annotations

ID = r"[0-9]{1,18}"  # as many digits as every database can store
CHAT_ID = r"-?[0-9]{1,16}"
MAX_ID = 10**18 - 1
