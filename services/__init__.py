"""Use cases: check who may, write, then make it true."""
