"""The web application as a whole: its parts, and what is checked of every request."""

from flask_openapi3.openapi import OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config import Config
from app.core.people import NOBODY
from app.machine.data_dir import DataDir
from app.operations.administration.instance_requests import Clusters
from app.operations.services import Services
from app.web import (
    api,
    bodies,
    dashboard,
    device,
    errors,
    headers,
    health,
    html,
    waiting,
    webhooks,
)
from app.web.api import description
from app.web.api.shapes import DescribedApi, ErrorAnswer
from app.web.auth import forms, login, sessions, setup

# GitHub's own limit for a payload; larger events are never sent.
# https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
MAX_BODY_BYTES = 25 * 1024 * 1024


def create_app(services: Services, config: Config, clusters: Clusters) -> OpenAPI:
    """Build the application around its collaborators; opens nothing by itself."""
    app = DescribedApi(
        "coppice",
        info=description.INFO,
        security_schemes=description.SECURITY_SCHEMES,
        validation_error_model=ErrorAnswer,
        # The description alone: its pages would bring third-party scripts along.
        doc_ui=False,
        validation_error_status=400,
        validation_error_callback=errors.show_invalid,
        template_folder=str(html.TEMPLATES),
        static_folder=str(html.STATIC),
    )
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # A view that forgets to find out who asks acts for nobody, who may do nothing.
    app.extensions["services"] = services.acting_as(NOBODY, source="")
    app.extensions["clusters"] = clusters
    app.extensions["admin_token"] = (
        config.admin_token.get_secret_value() if config.admin_token else ""
    )
    app.extensions["metrics_folder"] = config.data_dir / "metrics"
    app.extensions["restarts"] = DataDir(path=config.data_dir).restarts
    errors.init_app(app)
    bodies.init_app(app)
    html.init_app(app)
    headers.init_app(app, config)
    sessions.init_app(app, config)
    forms.init_app(app)
    app.register_blueprint(webhooks.webhooks)
    app.register_blueprint(health.health)
    app.register_blueprint(device.pages)
    app.register_blueprint(login.pages)
    app.register_blueprint(setup.pages)
    api.init_app(app)
    dashboard.init_app(app)
    if config.proxies:
        # Only who asked: the service's own address is a setting, whatever a proxy says of it.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=config.proxies, x_proto=0, x_host=0
        )
    app.wsgi_app = waiting.limit(app.wsgi_app)  # type: ignore[assignment, method-assign]
    return app
