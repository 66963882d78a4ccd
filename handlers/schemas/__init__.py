"""What bodies look like: these schemas validate requests and are those of the API document."""
