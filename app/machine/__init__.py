"""This machine: its files, and the PostgreSQL servers that run on it."""
