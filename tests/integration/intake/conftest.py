"""The intake over a real state database: in this process for tables, in gunicorn for the rest."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from flask.testing import FlaskClient

from app import bootstrap
from app.config import Config
from app.core.instances import AdminLogin
from app.store.vault import new_key
from app.web.application import create_app
from tests.integration.intake.deliveries import SECOND_SECRET, SECRET, Stored, register
from tests.integration.intake.web import Web
from tests.integration.lifecycle.proxy import Proxy
from tests.integration.lifecycle.world import state_url


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="module")
def state_name(new_state_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """One state database for the tests of a module; each begins with an empty one."""
    with new_state_database() as name:
        yield name


@pytest.fixture(scope="module")
def settings(
    private_key: str,
    postgres_superuser: AdminLogin,
    state_name: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """The service's environment; nobody answers at its GitHub."""
    return {
        "COPPICE_DATABASE_URL": state_url(postgres_superuser, state_name),
        "COPPICE_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "COPPICE_SECRET_KEYS": new_key(),
        "COPPICE_GITHUB_APP_ID": "1",
        "COPPICE_GITHUB_PRIVATE_KEY": private_key,
        "COPPICE_GITHUB_WEBHOOK_SECRETS": f"{SECRET},{SECOND_SECRET}",
        "COPPICE_GITHUB_URL": "http://127.0.0.1:1",
        "COPPICE_GITHUB_API_URL": "http://127.0.0.1:1",
    }


@pytest.fixture(scope="module")
def application(settings: dict[str, str]) -> Iterator[Flask]:
    config = Config.from_environ(settings)
    with (
        bootstrap.open_state(config) as state,
        bootstrap.open_services(config, state, bootstrap.clusters(config)) as services,
    ):
        bootstrap.prepare_state(state)
        register(services)
        yield create_app(services, config, bootstrap.clusters(config))


@pytest.fixture
def client(application: Flask) -> FlaskClient:
    """The web application without a server."""
    return application.test_client()


@pytest.fixture
def stored(settings: dict[str, str]) -> Stored:
    found = Stored(settings["COPPICE_DATABASE_URL"])
    found.forget()
    return found


@pytest.fixture(scope="module")
def cable(postgres_superuser: AdminLogin) -> Iterator[Proxy]:
    """Between the web server and its state database."""
    address = postgres_superuser.address
    with Proxy(address.host, address.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def running(
    application: Flask,
    settings: dict[str, str],
    postgres_superuser: AdminLogin,
    state_name: str,
    cable: Proxy,
) -> Iterator[Web]:
    """gunicorn as `web` starts it, on the application's state."""
    url = state_url(postgres_superuser, state_name, port=cable.port)
    with Web({**settings, "COPPICE_DATABASE_URL": url}) as started:
        yield started


@pytest.fixture
def web(running: Web) -> Web:
    """It runs, also after a test that killed it."""
    running.start()
    return running
