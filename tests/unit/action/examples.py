"""Answers of the service as they should be, for tests to change."""

from typing import Any

PASSWORD = "a1B2c3D4" * 5
HOST = "db.example.com"


def url(*, host: str = HOST, port: int = 5432, options: str = "sslmode=require") -> str:
    return f"postgresql://3ba03b-j-1:{PASSWORD}@{host}:{port}/3ba03b--x?{options}"


def variables(**changes: Any) -> dict[str, Any]:
    values = {
        "PGHOST": HOST,
        "PGPORT": "5432",
        "PGDATABASE": "3ba03b--x",
        "PGUSER": "3ba03b-j-1",
        "PGPASSWORD": PASSWORD,
        "PGSSLMODE": "require",
        "DATABASE_URL": url(),
        "COPPICE_ENVIRONMENT": "branch",
        "COPPICE_DATABASE": "3ba03b--x",
        "COPPICE_ROLE": "3ba03b-u-1",
    }
    return values | changes


def go_reply(**changes: Any) -> dict[str, Any]:
    body = {
        "result": "go",
        "environment": "branch",
        "database": "3ba03b--x",
        "marker": "0123456789abcdef" * 2,
        "variables": variables(),
        "ca_certificate": None,
        "lease_seconds": 60,
        "outlives_run": False,
        "seed": False,
    }
    return body | changes
