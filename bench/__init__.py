"""Measurements of the running service; the figures of docs/performance.md come from here."""
