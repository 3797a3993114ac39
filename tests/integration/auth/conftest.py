"""The web application with doors that open for everybody, to look at what is behind them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest
from flask import Flask, jsonify, render_template_string, session
from flask.typing import ResponseReturnValue

from app import bootstrap
from app.config import Config
from app.core.instances import AdminLogin
from app.store.vault import new_key
from app.web.application import create_app
from app.web.auth import sessions
from app.web.identity import acting
from demo.github.server import LocalGitHub
from tests.integration.auth.site import Browser, Site
from tests.integration.intake.web import Web
from tests.integration.lifecycle.world import state_url

MakeApplication = Callable[..., Flask]


@pytest.fixture(scope="module")
def state_name(new_state_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """One state database for the tests of a module."""
    with new_state_database() as name:
        yield name


@pytest.fixture(scope="module")
def settings(
    postgres_superuser: AdminLogin, state_name: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The service's environment, without a GitHub App."""
    return {
        "COPPICE_DATABASE_URL": state_url(postgres_superuser, state_name),
        "COPPICE_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "COPPICE_SECRET_KEYS": new_key(),
        "COPPICE_ADMIN_TOKEN": "the-token-of-the-operator",
    }


@pytest.fixture(scope="module")
def make_application(settings: dict[str, str]) -> Iterator[MakeApplication]:
    """Builds applications with more settings, and with test doors (see `_open_doors`)."""
    with ExitStack() as stack:

        def make(**more: str) -> Flask:
            config = Config.from_environ({**settings, **more})
            state = stack.enter_context(bootstrap.open_state(config))
            local = bootstrap.clusters(config)
            services = stack.enter_context(bootstrap.open_services(config, state, local))
            app = create_app(services, config, local)
            _open_doors(app)
            return app

        yield make


def _open_doors(app: Flask) -> None:
    """`/as/LOGIN` logs anybody in, `/form` shows a token, `/act` and `/touch` change something."""

    def log_in(login: str) -> str:
        sessions.begin(user_id=7, login=login, name="Mona Lisa", teams=["acme/admins"])
        return render_template_string("{{ csrf_token() }}")

    def act() -> ResponseReturnValue:
        services = acting()
        actor = services.actor
        return jsonify(
            name=actor.name, is_operator=actor.is_operator, id=actor.user_id, at=services.source
        )

    def touch() -> str:
        session["touched"] = session.get("touched", 0) + 1
        return ""

    app.add_url_rule("/as/<login>", view_func=log_in)
    app.add_url_rule("/touch", view_func=touch)
    app.add_url_rule("/form", view_func=lambda: render_template_string("{{ csrf_token() }}"))
    app.add_url_rule("/act", view_func=act, methods=["GET", "POST"])
    app.add_url_rule("/api/act", "api_act", act, methods=["GET", "POST"])


@pytest.fixture(scope="module")
def application(make_application: MakeApplication) -> Flask:
    return make_application(COPPICE_OPERATORS="Octocat,acme/admins")


@pytest.fixture(scope="module")
def github() -> Iterator[LocalGitHub]:
    with LocalGitHub() as running:
        yield running
        assert running.violations == []


@pytest.fixture(scope="module")
def app_settings() -> bool:
    """Whether the settings name the GitHub App; a module without one says False."""
    return True


@pytest.fixture(scope="module")
def site(settings: dict[str, str], github: LocalGitHub, *, app_settings: bool) -> Iterator[Site]:
    """The service in gunicorn, with two workers."""
    settings |= {
        "COPPICE_GITHUB_URL": github.url,
        "COPPICE_GITHUB_API_URL": github.api_url,
        "COPPICE_OPERATORS": "Octocat,acme/admins",
    }
    if app_settings:
        settings |= {
            "COPPICE_GITHUB_APP_ID": str(github.app_id),
            "COPPICE_GITHUB_PRIVATE_KEY": github.private_key,
            "COPPICE_GITHUB_WEBHOOK_SECRETS": github.webhook_secret,
            "COPPICE_GITHUB_CLIENT_ID": github.client_id,
            "COPPICE_GITHUB_CLIENT_SECRET": github.client_secret,
        }
    with Web(settings) as web:
        github.allow_callback(f"{web.url}/login/callback")
        yield Site(web, github, settings["COPPICE_DATABASE_URL"])


@pytest.fixture
def browser(site: Site) -> Browser:
    site.github.faults.clear()
    for login in ("mona", "octocat"):
        site.github.user(login)
    return site.browser()
