"""This process among others on one database: its lease, its share of the bots, its wishes."""
