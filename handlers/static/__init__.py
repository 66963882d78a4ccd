"""The files of the Swagger page that are ours."""
