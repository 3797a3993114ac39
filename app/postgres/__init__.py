"""PostgreSQL: statements, administration of tenants' servers, and our own embedded server."""
