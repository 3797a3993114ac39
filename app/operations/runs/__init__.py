"""Runs of the Action: who may have what, whose turn it is, and how it ended."""
