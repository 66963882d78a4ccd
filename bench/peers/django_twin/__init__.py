"""A minimal Django backend with the routes that are measured: DRF, dj-rest-auth, drf-yasg."""
