"""The HTTP API: handlers that translate between requests and the layers below."""
