"""The programs Botyard is measured against: each runs many echo bots in one process."""
