"""Use cases: check permissions, write, then carry the change out."""
