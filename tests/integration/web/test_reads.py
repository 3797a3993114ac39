"""Lists read what they show together: more apps take no more statements."""

import secrets
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from app.core.assignments import App, Assignment, Policies
from app.core.environments import Environment
from app.core.identifiers import AppId, RepositoryId
from tests.integration.api.office import Office

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    "path", ["/apps", "/instances/tenants", "/api/v1/databases", "/api/v1/apps"]
)
def test_a_list_of_more_apps_takes_no_more_statements(
    office: Office, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    office.new_app()
    add_app(office)
    before = statements(office, monkeypatch, path)
    for _ in range(5):
        add_app(office)

    after = statements(office, monkeypatch, path)

    assert after == before


def add_app(office: Office) -> None:
    """An app of a repository of its own, with a database."""
    services = office.world.services
    known = services.store.repositories.named("acme/shop")
    assert known is not None
    name = secrets.token_hex(5)
    repository = replace(known, id=RepositoryId(secrets.randbits(40)), full_name=f"acme/{name}")
    services.store.repositories.save(repository)
    app = App(id=AppId(name), repository_id=repository.id, has_bare_checks=True)
    services.store.apps.add(app)
    instance = services.store.instances.named("tenants")
    services.store.apps.assign(
        Assignment(app=app, instance_id=instance.id, migration_command="", policies=Policies())
    )
    office.database(app.id, Environment.PRODUCTION)


def statements(office: Office, monkeypatch: pytest.MonkeyPatch, path: str) -> int:
    """How many statements the service runs for it; its web server is a thread of this process."""
    ran: list[Any] = []
    execute = psycopg.Connection.execute

    def counted(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        ran.append(query)
        return execute(connection, query, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Connection, "execute", counted)
        answer = office.ask("GET", path, office.people["operator"], headers=HTML)
    assert answer.status_code == 200, answer.text
    return len(ran)
