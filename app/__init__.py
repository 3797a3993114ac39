"""Coppice: a PostgreSQL database for every git branch."""
