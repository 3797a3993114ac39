"""Instances in the state database; the admin password is stored encrypted."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager

from psycopg import errors
from psycopg.rows import DictRow

from app.core.errors import Conflict, NotFound
from app.core.identifiers import InstanceId
from app.core.instances import Address, AdminLogin, Instance, InstanceKind, SslMode
from app.store.locks import exclusively
from app.store.tables import TableWithSecrets, insert, update

# Everything that hangs on the databases of an instance, in the order of their references.
_FORGET = (
    "DELETE FROM leases USING databases d WHERE database_id = d.id AND d.instance_id = %s",
    "DELETE FROM job_logins USING databases d WHERE database_id = d.id AND d.instance_id = %s",
    "DELETE FROM migrations USING databases d WHERE database_id = d.id AND d.instance_id = %s",
    "UPDATE checks SET database_id = NULL FROM databases d"
    " WHERE database_id = d.id AND d.instance_id = %s",
    "DELETE FROM databases WHERE instance_id = %s",
    # What waits for its machine alone, which may never come back, is moot: any worker sees that.
    "UPDATE procrastinate_jobs SET queue_name = 'databases' FROM instances i WHERE i.id = %s"
    " AND i.is_going AND status = 'todo' AND queue_name = 'databases@' || i.host_id AND NOT EXISTS"
    " (SELECT FROM instances o WHERE o.host_id = i.host_id AND o.id <> i.id)",
    "DELETE FROM instances WHERE id = %s AND is_going",
)


class Instances(TableWithSecrets):
    """Servers."""

    def get(self, instance_id: InstanceId) -> Instance:
        """Raise NotFound when there is none."""
        row = self._row("SELECT * FROM instances WHERE id = %s", [instance_id])
        if row is None:
            raise NotFound(f"There is no instance with id {instance_id}.")
        return self._instance(row)

    def known(self, instance_ids: Collection[InstanceId]) -> Mapping[InstanceId, Instance]:
        """Those that there are, read together."""
        rows = self._rows("SELECT * FROM instances WHERE id = ANY(%s)", [list(instance_ids)])
        return {found.id: found for found in map(self._instance, rows)}

    def named(self, name: str) -> Instance:
        """Raise NotFound when there is none."""
        row = self._row("SELECT * FROM instances WHERE name = %s", [name])
        if row is None:
            raise NotFound(
                f"There is no instance named {name}.",
                advice="The list of instances shows all (`coppice instances list`).",
            )
        return self._instance(row)

    def all(self) -> Sequence[Instance]:
        return [self._instance(row) for row in self._rows("SELECT * FROM instances ORDER BY name")]

    def add(self, instance: Instance) -> InstanceId:
        """Raises Conflict when the name is taken."""
        values = self._values(instance)
        try:
            [row] = self._rows(insert("instances", values, "RETURNING id"), values)
        except errors.UniqueViolation as error:
            raise Conflict(
                f"There is an instance named {instance.name} already.",
                advice="Choose another name; `coppice instances list` shows those that are taken.",
            ) from error
        return InstanceId(row["id"])

    def update(self, instance: Instance) -> None:
        values = self._values(instance)
        # These stay as they were when it was added.
        del values["kind"], values["host_id"]
        self._change(
            update("instances", values, "WHERE id = %(id)s"), {**values, "id": instance.id}
        )

    def begin_deletion(self, instance_id: InstanceId) -> None:
        """From now on nothing can be assigned to it; there is no way back. May be repeated.

        Raises Conflict while an app is assigned to it, or has databases there; NotFound when it is
        there no more.
        """
        with self._pool.connection() as connection:
            # Locks the row, so that nothing is assigned to it in the meantime.
            is_there = connection.execute(
                "UPDATE instances SET is_going = true WHERE id = %s", [instance_id]
            ).rowcount
            if not is_there:
                raise NotFound("The instance was deleted at the same moment.")
            # Also apps that are assigned elsewhere by now, and whose databases were begun here.
            apps = connection.execute(
                "SELECT app_id FROM assignments WHERE instance_id = %(id)s"
                " UNION SELECT app_id FROM databases JOIN assignments USING (app_id)"
                "  WHERE databases.instance_id = %(id)s AND is_live AND state <> 'gone' ORDER BY 1",
                {"id": instance_id},
            ).fetchall()
            if apps:
                names = ", ".join(row["app_id"] for row in apps)
                raise Conflict(
                    f"Apps are assigned to this instance: {names}.",
                    advice="End their assignments first: `coppice apps remove`.",
                )

    def forget(self, instance_id: InstanceId) -> None:
        """Forget it, and everything about its databases, once its deletion has begun."""
        with self._pool.connection() as connection:
            for statement in _FORGET:
                connection.execute(statement, [instance_id])

    def exclusively(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock of a name, which need not be an instance's yet.

        Ends with the session. Raises TransientError after 20 seconds of waiting.
        """
        return exclusively(self._pool, "instance", name)

    def _values(self, instance: Instance) -> dict[str, object]:
        admin, public, pooler = instance.admin, instance.public_address, instance.pooler_address
        return {
            "name": instance.name,
            "kind": instance.kind,
            "admin_host": admin.address.host,
            "admin_port": admin.address.port,
            "admin_sslmode": admin.address.sslmode,
            "admin_user": admin.user,
            "admin_password": self._vault.encrypt(admin.password),
            "maintenance_database": admin.maintenance_database,
            "public_host": public.host,
            "public_port": public.port,
            "public_sslmode": public.sslmode,
            "ca_certificate": public.ca_certificate,
            "pooler_host": pooler.host if pooler else None,
            "pooler_port": pooler.port if pooler else None,
            "pooler_knows_job_logins": instance.pooler_knows_job_logins,
            "host_id": instance.host,
            "has_plain_passwords": instance.has_plain_passwords,
        }

    def _instance(self, row: DictRow) -> Instance:
        def address(prefix: str, sslmode: str) -> Address:
            return Address(
                host=row[f"{prefix}_host"],
                port=row[f"{prefix}_port"],
                sslmode=SslMode(row[sslmode]),
                ca_certificate=row["ca_certificate"],
            )

        return Instance(
            id=InstanceId(row["id"]),
            name=row["name"],
            kind=InstanceKind(row["kind"]),
            admin=AdminLogin(
                address=address("admin", "admin_sslmode"),
                user=row["admin_user"],
                password=self._vault.decrypt(row["admin_password"]),
                maintenance_database=row["maintenance_database"],
            ),
            public_address=address("public", "public_sslmode"),
            pooler_address=address("pooler", "public_sslmode") if row["pooler_host"] else None,
            pooler_knows_job_logins=row["pooler_knows_job_logins"],
            host=row["host_id"],
            has_plain_passwords=row["has_plain_passwords"],
        )
