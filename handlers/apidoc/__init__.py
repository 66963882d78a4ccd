"""The API document and the Swagger page."""
