"""The schemas of bodies: they validate requests, and the API document is made from them."""
