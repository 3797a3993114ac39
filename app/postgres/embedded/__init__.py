"""A PostgreSQL server of our own: found, made, started, watched and removed."""
