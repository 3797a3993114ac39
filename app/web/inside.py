"""The API for a command of this machine: asked in the command's own process, for one actor."""

from collections.abc import Mapping
from typing import Any

from flask_openapi3.openapi import OpenAPI
from werkzeug.exceptions import HTTPException

from app.core.people import Actor
from app.operations.administration.instance_requests import Clusters
from app.operations.services import Services
from app.web import api, errors


class ApiInside:
    """The API's own views, without what stands between them and the network.

    No socket leads here. Who asks is said once, by the code that makes the object: no header, no
    cookie and no key of an environ is looked at for it. Nothing limits how long a view waits.
    """

    def __init__(
        self, services: Services, clusters: Clusters, *, actor: Actor, source: str
    ) -> None:
        app = OpenAPI(
            "coppice inside",
            doc_ui=False,
            validation_error_status=400,
            validation_error_callback=errors.show_invalid,
        )
        # Errors of ours are raised to whoever asks as they are, and bugs with their traceback.
        app.config["PROPAGATE_EXCEPTIONS"] = True
        app.register_error_handler(HTTPException, errors.show_http_error)
        app.extensions["services"] = services.acting_as(actor, source=source)
        app.extensions["actor"] = actor
        app.extensions["clusters"] = clusters
        app.extensions["operators"] = frozenset()
        api.init_app(app)
        self._client = app.test_client(use_cookies=False)

    def ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[int, Any]:
        """The status and the JSON of an answer; errors of ours are raised as they are."""
        answer = self._client.open(
            path, method=method, query_string=dict(parameters or {}), json=body
        )
        return answer.status_code, answer.get_json(silent=True)
