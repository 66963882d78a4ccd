"""Updates: receiving, storing, processing."""
