"""Several processes on one PostgreSQL database: who is alive, and who owns which bot."""
