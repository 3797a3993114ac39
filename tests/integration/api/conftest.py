"""One service over real HTTP for the tests of a module, with people of every permission."""

import uuid
from collections.abc import Iterator

import pytest
from psycopg import sql

from app.core.instances import AdminLogin
from app.postgres.sessions import admin_login, connect
from demo.github.server import LocalGitHub
from tests.integration.api.office import Office
from tests.integration.lifecycle.world import open_world, state_url


@pytest.fixture(scope="module")
def office(
    world_github: LocalGitHub,
    postgres_superuser: AdminLogin,
    postgres_admin: AdminLogin,
    state_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Office]:
    name = f"state_{uuid.uuid4().hex}"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(state_template)}
    with connect(admin_login(postgres_superuser)) as session:
        session.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
    folder = tmp_path_factory.mktemp("data")
    url = state_url(postgres_superuser, name)
    with open_world(world_github, url, postgres_admin, str(folder)) as world:
        yield Office(world)
        assert world.github.violations == []
    with connect(admin_login(postgres_superuser)) as session:
        session.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))
