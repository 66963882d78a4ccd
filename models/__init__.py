"""The data layer: Peewee models, one aggregate a file, and the threads that run them."""
