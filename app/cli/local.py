"""The service of this machine, asked in this process as its operator; no worker is needed."""

from collections.abc import Mapping
from typing import Any

from app.cli.client import Client, refusal
from app.cli.session import Session
from app.core.databases import Database
from app.core.identifiers import DatabaseId
from app.core.people import OPERATOR
from app.jobs.errands import work_off
from app.operations.databases import elsewhere, provisioning
from app.web.inside import ApiInside


class LocalClient(Client):
    """Asks the API of an open session, and does at once the jobs that this caused."""

    is_elsewhere = False

    def __init__(self, session: Session) -> None:
        self.folder = session.config.data_dir
        self._session = session
        services = session.services
        self.url = services.public_url
        self.machine = services.store.hosts.name
        self._api = ApiInside(services, session.clusters, actor=OPERATOR, source=services.source)

    def check_reachable(self, instance: str) -> None:
        """See `Client`."""
        services = self._session.services
        found = services.store.instances.named(instance)
        if not services.store.hosts.is_here(found):
            elsewhere.need_alive(services.store, found)

    def work(self, database: Mapping[str, Any]) -> bool:
        """See `Client`; what only another machine can do is left to that one.

        Raises OnAnotherHost when that machine is silent.
        """
        services, session = self._session.services, self._session
        found = services.store.databases.get(DatabaseId(database["id"]))
        instance = services.store.instances.get(found.instance_id)
        if not services.store.hosts.is_here(instance):
            elsewhere.need_alive(services.store, instance)
            return False
        return work_off(
            services,
            session.clusters,
            session.state.dsn,
            locks=[f"database:{one.id}" for one in self._with_shadow(found)],
        )

    def _with_shadow(self, database: Database) -> list[Database]:
        shadow = provisioning.shadow_of(self._session.services.store, database)
        return [database] if shadow is None else [shadow, database]

    def _ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        status, content = self._api.ask(method, f"/api/v1{path}", parameters=parameters, body=body)
        if status >= 400:
            raise refusal(content or {})
        return content or {}
