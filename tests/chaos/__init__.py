"""Several real processes on one PostgreSQL, faults at random, and what must be true of them."""
