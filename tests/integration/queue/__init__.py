"""The queue on a real state database."""
