"""Findings that somebody accepts, in the state database."""

from collections.abc import Sequence
from dataclasses import asdict

from app.core.findings import Acknowledgement
from app.core.identifiers import InstanceId
from app.store.tables import Table

_ADD = """
    INSERT INTO acknowledgements (instance_id, code, message, acknowledged_by, acknowledged_at)
    VALUES (%(instance_id)s, %(code)s, %(message)s, %(acknowledged_by)s, %(acknowledged_at)s)
    ON CONFLICT DO NOTHING
"""


class Acknowledgements(Table):
    """Who accepts what."""

    def of_instance(self, instance_id: InstanceId) -> Sequence[Acknowledgement]:
        return self._all(
            Acknowledgement,
            "SELECT * FROM acknowledgements WHERE instance_id = %s ORDER BY code, message",
            [instance_id],
        )

    def add(self, instance_id: InstanceId, given: Sequence[Acknowledgement]) -> None:
        """Store them; what was accepted in the same words before stays as it was."""
        with self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.executemany(_ADD, [{"instance_id": instance_id, **asdict(one)} for one in given])

    def withdraw(self, instance_id: InstanceId, code: str) -> bool:
        """Forget all of a code, in whatever words; False: there was none."""
        return self._change(
            "DELETE FROM acknowledgements WHERE instance_id = %s AND code = %s",
            [instance_id, code],
        )
