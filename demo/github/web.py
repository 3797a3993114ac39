"""The web application: the REST API, the OIDC issuer, and the runner's token endpoint."""

import hmac
import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Flask, Response, g, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from demo.github import faults
from demo.github.context import Context
from demo.github.model import WorkflowJob, WorkflowRun
from demo.github.pages import actions as action_pages
from demo.github.pages import apps, frame, sign_in
from demo.github.pages import checks as check_pages
from demo.github.pages import files as file_pages
from demo.github.pages import pull_requests as pull_request_pages
from demo.github.pages import repositories as repository_pages
from demo.github.pages.guard import PREFIX, foreign_form
from demo.github.pages.people import NotAllowed
from demo.github.rest import actions, app, checks, comments, people, repositories
from demo.github.rest.answers import Refused, not_found, refused
from demo.github.rest.guard import Answer, context, credentials
from demo.github.state import utc_now

_GHES_PREFIX = "/api/v3"
_NO_API = re.compile(
    "/_|/favicon.ico|/oidc/|/repositories/|/login/oauth/|/settings/|/apps/[^/]+/installations/new"
    "|/organizations/[^/]+/settings/"
)

_API = (app, repositories, actions, checks, comments, people)
_PAGES = (
    apps,
    sign_in,
    frame,
    repository_pages,
    file_pages,
    check_pages,
    pull_request_pages,
    action_pages,
)

others = Blueprint("others", __name__)


def create(shared: Context) -> Flask:
    """All of it over one context."""
    web = Flask(__name__, static_folder=None)
    web.config["CONTEXT"] = shared
    web.url_map.merge_slashes = False
    web.jinja_env.trim_blocks = web.jinja_env.lstrip_blocks = True
    web.before_request(_before)
    web.after_request(_after)
    web.register_error_handler(Refused, refused)
    web.register_error_handler(NotAllowed, lambda why: frame.refusal(str(why), status=403))
    web.register_error_handler(404, lambda _error: _missing())
    for module in (*_API, *_PAGES):
        web.register_blueprint(module.blueprint)
    web.register_blueprint(others)
    web.wsgi_app = _paths(web.wsgi_app, shared)  # type: ignore[assignment, method-assign]
    return web


@others.get("/oidc/.well-known/jwks")
def jwks() -> Answer:
    return jsonify(context().issuer.jwks())


@others.get("/oidc/.well-known/openid-configuration")
def openid_configuration() -> Answer:
    return jsonify(context().issuer.configuration())


@others.get("/_runner/<int:run_id>/<int:job_id>/idtoken")
def id_token(run_id: int, job_id: int) -> Answer:
    """A job's own request token gives that job's identity, while it runs.

    https://docs.github.com/en/actions/reference/security/oidc
    """
    found = context()
    with found.state.lock:
        run, job = _running_job(found, run_id, job_id)
        default_audience = f"{found.url}/{run.repository.owner.login}"
        audience = request.args.get("audience") or default_audience
        return jsonify({"count": 1, "value": found.issuer.token_for(run, job, audience=audience)})


def _running_job(found: Context, run_id: int, job_id: int) -> tuple[WorkflowRun, WorkflowJob]:
    run = found.state.workflow_runs.get(run_id)
    job = next((each for each in run.jobs if each.id == job_id), None) if run else None
    if run is None or job is None:
        raise not_found()
    if not hmac.compare_digest(credentials().encode(), job.request_token.encode()):
        raise Refused(401, "Bad credentials")
    if job.status == "completed":
        raise Refused(403, "The job has completed")
    return run, job


def _before() -> AnyResponse | None:
    g.fault = context().faults.take(request.method, request.environ["github.raw"])
    if not request.headers.get("User-Agent"):
        return refused(Refused(403, "Request forbidden by administrative rules."))
    if (refusal := foreign_form(context().url)) is not None:
        return refusal
    if problems := _violations(context()):
        context().state.violations += problems
        return refused(Refused(422, f"Invalid request.\n\n{problems[0]}"))
    if g.fault is not None and g.fault.status is not None and not g.fault.after_work:
        return Response()
    return None


def _missing() -> AnyResponse:
    return frame.missing() if request.environ["github.is_page"] else refused(not_found())


def _violations(found: Context) -> list[str]:
    """What GitHub's description says against the request; our own pages are not in it."""
    target: str = request.environ["github.raw"]
    is_page: bool = request.environ["github.is_page"]
    if found.description is None or is_page or _NO_API.match(target):
        return []
    return found.description.problems_of_request(request.method, target, request.get_data())


def _after(answer: Response) -> Response:
    answer.headers["X-GitHub-Request-Id"] = "C0DE:1234"
    reset = int(utc_now().timestamp()) + 3600
    limit = context().rate_limit
    answer.headers["X-RateLimit-Limit"] = str(limit)
    answer.headers["X-RateLimit-Remaining"] = str(limit - 1)
    answer.headers["X-RateLimit-Reset"] = str(reset)
    fault: faults.Fault | None = g.get("fault")
    return answer if fault is None else faults.apply(fault, answer)


Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def _paths(inner: Wsgi, shared: Context) -> Wsgi:
    """Both address forms (`/api/v3/...` of GitHub Enterprise too), and repositories by id.

    GitHub has its pages and its API at two addresses. Here they share one: browsers, which alone
    ask for HTML, are led to the pages, and no program gets there.
    """

    def outer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        raw = str(environ.get("REQUEST_URI") or environ["PATH_INFO"])
        environ["github.raw"] = raw.removeprefix(_GHES_PREFIX)
        environ["github.path"] = environ["github.raw"].partition("?")[0]
        environ["github.prefix"] = _GHES_PREFIX if raw.startswith(_GHES_PREFIX) else ""
        is_for_people = "text/html" in environ.get("HTTP_ACCEPT", "")
        environ["github.is_page"] = is_for_people and not _NO_API.match(environ["github.raw"])
        if environ["github.is_page"]:
            environ["PATH_INFO"] = PREFIX + str(environ["PATH_INFO"])
            return inner(environ, start_response)
        path = str(environ["PATH_INFO"]).removeprefix(_GHES_PREFIX)
        parts = path.split("/", 3)
        if parts[1] == "repositories" and len(parts) > 2 and parts[2].isdigit():
            with shared.state.lock:
                repository = shared.state.repositories.get(int(parts[2]))
            if repository is not None:
                path = "/".join(["/repos", repository.full_name, *parts[3:]])
        environ["PATH_INFO"] = path
        return inner(environ, start_response)

    return outer
