"""PostgreSQL: other people's servers as an administrator, and servers of our own."""
