"""A small client of PostgreSQL, standard library only: for the Action and the service."""
