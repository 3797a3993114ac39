"""The budget of writes to GitHub, shared by every worker of an installation."""

from psycopg import Connection
from psycopg.rows import DictRow

from app.core.identifiers import InstallationId
from app.store.locks import take

# GitHub's secondary limits are 80 content writes a minute and 500 an hour; some room is left for
# people and other tools.
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
WRITES_PER_MINUTE = 60
WRITES_PER_HOUR = 400


def take_write(
    connection: Connection[DictRow], installation_id: InstallationId, *, kind: str
) -> int:
    """Count one write in the caller's transaction; 0, or the seconds to wait (nothing counted)."""
    # One at a time for an installation, so that two workers cannot both take the last one.
    take(connection, "github_writes", installation_id)
    connection.execute(
        "DELETE FROM github_writes WHERE installation_id = %s"
        " AND at < clock_timestamp() - interval '1 hour'",
        [installation_id],
    )
    row = connection.execute(
        "SELECT count(*) AS hour,"
        " count(*) FILTER (WHERE at > clock_timestamp() - interval '1 minute') AS minute"
        " FROM github_writes WHERE installation_id = %s AND kind = %s",
        [installation_id, kind],
    ).fetchone()
    if row and row["hour"] >= WRITES_PER_HOUR:
        return 60
    if row and row["minute"] >= WRITES_PER_MINUTE:
        return 5
    connection.execute(
        "INSERT INTO github_writes (installation_id, kind) VALUES (%s, %s)",
        [installation_id, kind],
    )
    return 0
