"""The data layer: Peewee models, one aggregate per file, and the threads that run them."""
