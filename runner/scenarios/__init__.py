"""Scenarios at run time: from an update to a step of a talk, and to what is stored and sent."""
