"""Pages of the dashboard as each kind of person is answered; how they look is for a browser."""

import html
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from app.core.audit import AuditEvent
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.findings import Finding, ServerReport
from app.core.identifiers import RunId
from app.core.instances import InstanceKind
from app.core.people import See
from app.core.runs import MigrationResult
from app.operations import access
from app.operations.administration.workflow_files import workflow_of
from app.operations.services import Services
from demo.github.faults import server_error
from tests.integration import states
from tests.integration.api.office import ROLES, Office

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BRANCH = "feature/<b>"

PAGES = [
    ("GET /apps", "anybody"),
    ("GET /assign", "anybody"),
    ("GET /apps/{app}", "read"),
    ("GET /apps/{app}/runs/{run}", "read"),
    ("GET /apps/{app}/runs/{run}/branch.log", "write"),
    ("POST /apps/{app}/runs/{run}/rerun", "write"),
    ("GET /apps/{app}/edit", "maintain"),
    ("GET /apps/{app}/remove", "maintain"),
    ("POST /apps/{app}/edit", "maintain"),
    ("POST /apps/{app}/remove", "maintain"),
    ("POST /apps/{app}/databases", "write"),
    ("GET /databases/{branch}/url", "read"),
    ("GET /databases/{branch}/reset", "write"),
    ("GET /databases/{branch}/seed", "write"),
    ("POST /databases/{branch}/seed", "write"),
    ("POST /databases/{production}/seed", "maintain"),
    ("GET /databases/{branch}/delete", "write"),
    ("POST /databases/{branch}/fix", "write"),
    ("POST /databases/{branch}/url", "write"),
    ("POST /databases/{branch}/reset", "write"),
    ("POST /databases/{branch}/restore", "write"),
    ("POST /databases/{branch}/delete", "write"),
    ("GET /databases/{production}/reset", "maintain"),
    ("POST /databases/{production}/fix", "maintain"),
    ("POST /databases/{production}/url", "admin"),
]
FOR_OPERATORS = [
    "GET /instances",
    "GET /provision",
    "POST /provision",
    "GET /link",
    "POST /link",
    "GET /audit",
]

RULES = {
    "parent": "empty",
    "preview": "shared",
    "preview_failure": "rebuild",
    "trace": "off",
    "runners": "any",
    "bots": "all",
    "log": "private",
}


@pytest.fixture(scope="module", autouse=True)
def branches(office: Office) -> None:
    """GitHub protects one branch from the start: pages believe what it said for a while."""
    for name in ("release", "free"):
        office.world.github.push(office.world.repository, name)
    office.world.github.protect(office.world.repository, "release")


def ask(office: Office, what: str, token: str | None) -> requests.Response:
    method, path = what.split()
    return office.ask(method, path, token, headers=HTML)


def outcome(office: Office, what: str, token: str | None) -> str:
    """`ok` also where it cannot be done just now: it was allowed. Each time with a new app."""
    app_id = office.new_app()
    branch = office.database(app_id, Environment.BRANCH, BRANCH)
    production = office.database(app_id, Environment.PRODUCTION)
    places = {"app": app_id, "branch": branch.id, "production": production.id}
    if "{run}" in what:
        places["run"] = office.past_run(app_id)
    answer = ask(office, what.format(**places), token)
    assert answer.headers["Content-Type"].startswith(("text/html", "text/plain")), what
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    return str(answer.status_code) if answer.status_code in {401, 403, 404} else "ok"


def expected(weakest: str, role: str) -> str:
    if weakest == "anybody" or role == "operator" or ROLES.index(role) >= ROLES.index(weakest):
        return "ok"
    return "404" if role == "none" else "403"


@pytest.mark.parametrize(("what", "weakest"), PAGES)
def test_the_permission_on_the_repository_decides(office: Office, what: str, weakest: str) -> None:
    roles = [*ROLES, "operator"]

    found = {role: outcome(office, what, office.people[role]) for role in roles}

    assert found == {role: expected(weakest, role) for role in roles}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/apps/%00", 404),
        ("/instances/%00/limits", 404),
        ("/audit?before=99999999999999999999", 200),
        ("/audit?before=-1", 200),
        ("/apps/{app}?before=99999999999999999999", 200),
        ("/databases/99999999999999999999/delete", 404),
        ("/apps/{app}/runs/99999999999999999999", 404),
    ],
)
def test_an_address_that_nobody_was_shown_is_no_mistake_of_the_service(
    office: Office, path: str, status: int
) -> None:
    answer = ask(office, f"GET {path.format(app=office.new_app())}", office.people["operator"])

    assert answer.status_code == status


@pytest.mark.parametrize("what", FOR_OPERATORS)
def test_servers_and_the_audit_trail_are_for_operators(office: Office, what: str) -> None:
    found = {role: outcome(office, what, office.people[role]) for role in ("admin", "operator")}

    assert found == {"admin": "403", "operator": "ok"}


def test_who_assigns_an_app_has_the_choice_of_the_instances_they_see(office: Office) -> None:
    services, maintainer = office.world.services, office.people["maintain"]
    office.new_app()
    seen = services.store.instances.named("tenants")
    name = f"of-others-{secrets.token_hex(4)}"
    services.store.instances.add(replace(seen, name=name))
    form = {
        "repository": "acme/shop",
        "app_id": secrets.token_hex(5),
        "instance": name,
        **RULES,
    }

    shown = ask(office, "GET /assign?repository=acme/shop", maintainer).text
    refused = office.ask("POST", "/assign", maintainer, headers=HTML, data=form)
    of_theirs = {**form, "instance": seen.name}
    assigned = office.ask("POST", "/assign", maintainer, headers=HTML, data=of_theirs)

    assert 'name="instance" value="tenants"' in shown
    assert name not in shown
    assert refused.status_code == 404
    assert assigned.status_code == 303


def test_of_several_instances_none_is_chosen_before_somebody_chooses(office: Office) -> None:
    services, operator = office.world.services, office.people["operator"]
    seen = services.store.instances.named("tenants")
    away = services.store.instances.add(replace(seen, name=f"away-{secrets.token_hex(4)}"))
    services.store.measurements.record_failure(
        away, at=services.clock(), problem="It does not answer.", advice="Start it."
    )

    shown = ask(office, "GET /assign", operator).text
    chosen = ask(office, "GET /assign?instance=tenants", operator).text
    form = {"repository": "acme/shop", "app_id": secrets.token_hex(5), "instance": "", **RULES}
    refused = office.ask("POST", "/assign", operator, headers=HTML, data=form)

    assert '<option value="" selected>Choose one</option>' in shown
    assert f"{services.store.instances.get(away).name} (did not answer)" in shown
    assert '<option value="tenants" selected>' in chosen
    assert refused.status_code == 400
    assert "No instance was chosen." in refused.text


def test_the_only_instance_is_no_question(office: Office) -> None:
    """Who maintains one repository sees the one on which it is."""
    office.new_app()

    page = ask(office, "GET /assign?repository=acme/shop", office.people["maintain"]).text

    assert '<select id="instance"' not in page
    assert '<input type="hidden" name="instance" value="tenants">' in page


def test_an_operator_picks_one_of_the_repositories_that_the_app_sees(office: Office) -> None:
    """One that was never heard of too; nobody else learns what there is."""
    github, name = office.world.github, f"acme/never-{secrets.token_hex(4)}"
    github.create_repository(name)
    office.new_app()

    def picker(who: str) -> str:
        return ask(office, "GET /assign", office.people[who]).text

    shown, of_others = picker("operator"), picker("maintain")
    github.faults.plan(server_error(), path="/installation/repositories", times=9)
    silent = picker("operator")
    github.faults.clear()

    free, taken = re.findall(r"<optgroup.*?</optgroup>", shown, flags=re.DOTALL)
    assert f'<option value="{name}">' in free
    assert '<option value="acme/shop">' in taken
    assert "/installations/new" in shown
    assert name not in of_others
    assert '<input id="repository"' in of_others
    assert "GitHub did not list all of them just now" in silent
    assert '<option value="acme/shop">' in silent


def test_the_workflow_of_an_app_is_one_address_away(office: Office) -> None:
    app_id = office.new_app()
    services = office.world.services
    assignment = services.store.apps.assignment(app_id)
    assert assignment
    services.store.apps.edit(replace(assignment, migration_command="a && 'b' # ü\n%2e+c"))

    page = ask(office, f"GET /apps/{app_id}", office.people["read"]).text

    [link] = re.findall(r'href="([^"]*)">Create the workflow at GitHub', page)
    [shown] = re.findall(r'<pre[^>]* id="workflow"[^>]*>(.*?)</pre>', page, flags=re.DOTALL)
    address = urlsplit(html.unescape(link))
    given = parse_qs(address.query, strict_parsing=True)
    assert address.path == "/acme/shop/new/main"
    assert given["value"] == [html.unescape(shown)]
    assert "%2e+c" in given["value"][0]
    at_github = requests.get(html.unescape(link), headers=HTML, timeout=30)
    assert given["value"][0] in html.unescape(at_github.text)


def test_a_command_that_did_not_run_is_not_said_to_be_silent(office: Office) -> None:
    app_id = office.new_app()
    of_result = {
        result: ask(
            office,
            f"GET /apps/{app_id}/runs/{office.past_run(app_id, result=result, log='')}",
            office.people["operator"],
        ).text
        for result in (MigrationResult.SUCCESS, MigrationResult.SUPERSEDED)
    }

    assert "The command wrote nothing." in of_result[MigrationResult.SUCCESS]
    assert "A newer commit was migrated here already" in of_result[MigrationResult.SUPERSEDED]
    assert "The command wrote nothing." not in of_result[MigrationResult.SUPERSEDED]


@pytest.mark.parametrize("missing", ["Host", "Role", "Password"])
def test_a_field_of_the_link_form_that_is_empty_is_named(office: Office, missing: str) -> None:
    fields = {"Host": "db.example", "Role": "ann", "Password": "secret"} | {missing: ""}
    form = {"name": "eu", "host": fields["Host"], "user": fields["Role"]}

    answer = office.ask(
        "POST",
        "/link",
        office.people["operator"],
        headers=HTML,
        data={**form, "password": fields["Password"]},
    )

    assert answer.status_code == 400
    assert f"{missing} is empty." in answer.text


def test_nobody_is_shown_the_log_in_instead(office: Office) -> None:
    answer = ask(office, "GET /apps?x=1", None)

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=%2Fapps%3Fx%3D1"


def test_who_sees_nothing_is_told_what_to_do(office: Office) -> None:
    office.new_app()

    answer = ask(office, "GET /apps", office.people["none"])

    assert "No app yet" in answer.text
    assert "acme/shop" not in answer.text


def test_what_somebody_may_not_do_is_not_offered(office: Office) -> None:
    app_id = office.new_app()
    database = office.database(app_id, Environment.BRANCH, BRANCH)
    states.make_ready(office.world.services, database)

    reader = ask(office, f"GET /apps/{app_id}", office.people["read"]).text
    writer = ask(office, f"GET /apps/{app_id}", office.people["write"]).text

    assert "/url" not in reader
    assert "/url" in writer
    assert f"/apps/{app_id}/edit" not in writer
    assert "coppice env" not in reader
    assert "coppice env" in writer


def test_a_rule_that_was_changed_is_on_the_page_of_the_app(office: Office) -> None:
    app_id = office.new_app()
    form = RULES | {"seed_command": "npm run seed", "ignore_patterns": "<i>/**"}
    saved = office.ask(
        "POST", f"/apps/{app_id}/edit", office.people["maintain"], headers=HTML, data=form
    )

    page = ask(office, f"GET /apps/{app_id}", office.people["read"]).text

    assert saved.status_code == 303, saved.text
    assert "<dt>Seed</dt><dd><code>npm run seed</code></dd>" in page
    assert "<dt>Ignored branches</dt><dd><code>&lt;i&gt;/**</code></dd>" in page
    assert "<dt>Bots</dt><dd>all may get production</dd>" in page


def test_text_of_others_is_shown_and_never_obeyed(office: Office) -> None:
    app_id = office.new_app()
    run = office.past_run(app_id, log="\x1b[31m<script>alert(1)</script>\x1b[0m\n")

    page = ask(office, f"GET /apps/{app_id}/runs/{run}?q=<i>", office.people["write"]).text
    whole = ask(office, f"GET /apps/{app_id}/runs/{run}", office.people["write"]).text

    assert "<b>" not in page
    assert "<i>" not in page
    assert '<span class="fg-red">&lt;script&gt;alert(1)&lt;/script&gt;</span>' in whole


def test_the_page_of_a_run_and_the_api_tell_what_was_taken_back(office: Office) -> None:
    app_id = office.new_app()
    run = office.past_run(app_id)
    [branch] = office.world.services.store.migrations.of_run(RunId(run))
    taken = ["work_mem", "role"]
    office.world.services.store.migrations.took_back(RunId(run), branch.database_id, taken)

    page = ask(office, f"GET /apps/{app_id}/runs/{run}", office.people["read"]).text
    told = office.ask("GET", f"/api/v1/apps/{app_id}/runs/{run}", office.people["read"]).json()

    assert "(<code>ALTER ROLE ... SET</code>) were taken back: role, work_mem." in page
    assert told["migrations"][0]["settings_taken_back"] == ["role", "work_mem"]


def test_no_page_has_script_or_style_inside(office: Office) -> None:
    """The policy that browsers are told forbids both."""
    app_id = office.new_app()
    for path in ("/instances", "/instances/tenants", f"/apps/{app_id}", "/link", "/audit", "/nope"):
        page = ask(office, f"GET {path}", office.people["operator"]).text

        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=)", page), path


def test_the_audit_trail_is_searched_and_paged(office: Office) -> None:
    services = office.world.services
    for number in range(60):
        services.record(AuditEvent.DATABASES_RESET, f"needle {number}")

    first = ask(office, "GET /audit?q=NEEDLE", office.people["operator"]).text
    [older] = re.findall(r'href="(\?before=\d+&amp;q=NEEDLE)"', first)
    second = ask(office, f"GET /audit{older}".replace("&amp;", "&"), office.people["operator"]).text

    assert first.count("<code>needle ") == 50
    assert second.count("<code>needle ") == 10


def test_the_audit_trail_says_what_was_done_in_words(office: Office) -> None:
    services = office.world.services
    services.record(AuditEvent.DATABASES_RESET, "thing", detail="a-long-detail " * 20)

    page = ask(office, "GET /audit?q=Reset+THE", office.people["operator"]).text
    entries = office.ask("GET", "/api/v1/audit?q=reset%20the", office.people["operator"]).json()

    assert '<span title="databases reset">Reset the database</span>' in page
    detail = ("a-long-detail " * 20).strip()
    assert re.search(rf"<details[^>]*><summary><span>{detail} ?</span></summary>", page)
    assert {one["action"] for one in entries["items"]} == {"databases reset"}


def test_a_program_is_answered_with_json(office: Office) -> None:
    answer = office.ask("GET", "/apps/none", office.people["operator"])

    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"


def test_what_is_refused_on_a_protected_branch_is_not_offered(office: Office) -> None:
    """And said why, to those to whom it is offered elsewhere."""
    app_id = office.new_app()
    ids = []
    for name in ("release", "free"):
        database = office.database(app_id, Environment.BRANCH, name)
        ids.append(database.id)
        states.make_ready(office.world.services, database)
    run = office.past_run(app_id, branch_name="release")

    pages = {
        role: ask(office, f"GET /apps/{app_id}", office.people[role]).text
        for role in ("read", "write", "maintain")
    }
    runs = {
        role: ask(office, f"GET /apps/{app_id}/runs/{run}", office.people[role]).text
        for role in ("read", "write", "maintain")
    }

    offered = {
        act: {
            role: [f"/databases/{each}/{act}" in page for each in ids]
            for role, page in pages.items()
        }
        for act in ("fix", "reset", "delete")
    }
    losing = {"read": [False, False], "write": [False, True], "maintain": [True, True]}
    assert offered == {"fix": {**losing, "write": [True, True]}, "reset": losing, "delete": losing}
    reason = "Reset, Delete: this needs the permission maintain on the repository; you have write"
    assert {role for role, page in pages.items() if reason in page} == {"write"}
    assert "Fix, Reset" not in pages["write"]
    assert {role for role, page in runs.items() if "/rerun" in page} == {"write", "maintain"}


def test_the_address_of_a_url_leads_back_to_its_button(office: Office) -> None:
    app_id = office.new_app()
    database = office.database(app_id, Environment.BRANCH, BRANCH)

    answer = ask(office, f"GET /databases/{database.id}/url", office.people["write"])
    page = ask(office, f"GET {answer.headers['Location']}", office.people["write"])

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"/apps/{app_id}?")
    assert "How to connect is shown when you press URL" in page.text
    assert "postgresql://" not in page.text


def test_an_address_behind_a_button_says_where_to_go(office: Office) -> None:
    answer = ask(office, "GET /databases/1/restore", office.people["write"])

    assert answer.status_code == 405
    assert "go back to the page that has it" in answer.text


def test_a_finding_is_accepted_by_a_button_and_that_is_taken_back_by_another(
    office: Office,
) -> None:
    services, operator = office.world.services, office.people["operator"]
    finding = Finding(code="expires", message="It <ends>.", advice="Renew it.", is_fatal=False)
    report = ServerReport(version="18.6", findings=(finding,))
    services.store.measurements.record(
        services.store.instances.named("tenants").id,
        at=services.clock(),
        report=report,
        sizes={},
        free_bytes=None,
    )
    path = "/instances/tenants/acknowledge/expires"

    before = ask(office, "GET /instances/tenants", operator).text
    accepted = office.ask("POST", path, operator, headers=HTML)
    during = ask(office, "GET /instances/tenants", operator).text
    withdrawn = office.ask("POST", path, operator, headers=HTML, data={"withdraw": "yes"})
    after = ask(office, "GET /instances/tenants", operator).text

    assert [accepted.status_code, withdrawn.status_code] == [303, 303]
    assert ["Accepted by" in page for page in (before, during, after)] == [False, True, False]
    assert "It &lt;ends&gt;." in during


@pytest.mark.parametrize(
    ("become", "said", "kind"),
    [
        (states.start_afresh, "this page follows", "notice"),
        (states.make_ready, "is ready, and empty", "notice"),
        (states.fail, "is in error; its row says why", "problem"),
    ],
)
def test_a_notice_is_over_when_what_it_tells_is_over(
    office: Office, become: Callable[[Services, Database], None], said: str, kind: str
) -> None:
    app_id = office.new_app()
    run = office.past_run(app_id)
    database = office.database(app_id, Environment.BRANCH, "feature/<b>")
    become(office.world.services, database)

    page = ask(
        office, f"GET /apps/{app_id}?done=reset&of={database.id}", office.people["write"]
    ).text

    [notice] = re.findall(r'<div id="notice" data-live>(.*?)</div>\s*<p', page, re.DOTALL)
    assert said in notice
    assert f'class="{kind}" role="status"' in notice
    may_rerun = f'action="/apps/{app_id}/runs/{run}/rerun"' in notice
    assert may_rerun is (kind == "notice")


def test_a_run_that_was_started_again_is_followed_to_the_new_one(office: Office) -> None:
    app_id = office.new_app()
    first = office.past_run(app_id)
    path = f"GET /apps/{app_id}/runs/{first}?done=rerun&at={int(time.time())}"
    writer = office.people["write"]

    waiting = ask(office, path, writer).text
    second = office.past_run(app_id, attempt=2)
    come = ask(office, path, writer).text

    assert "this page follows" in waiting
    assert 'data-refresh="2"' in waiting
    assert "this page follows" not in come
    assert "data-refresh" not in come
    assert f'<a href="/apps/{app_id}/runs/{second}">run {second}</a>' in come


def test_the_page_of_an_app_has_its_whole_workflow_and_commands_that_can_be_typed(
    office: Office,
) -> None:
    app_id = office.new_app()  # one of several
    office.new_app()
    services = office.world.services
    assigned = access.app(services, app_id, See).subject
    workflow = workflow_of(services, assigned)

    page = html.unescape(ask(office, f"GET /apps/{app_id}", office.people["write"]).text)

    assert workflow.text in page
    assert f'app: "{app_id}"' in workflow.text
    assert f"coppice env {assigned.repository.full_name} --app-id {app_id} > .env" in page
    assert f"coppice migrate {assigned.repository.full_name} --app-id {app_id}" in page
    assert "GitHub's hosted runners do not." in page
    assert '<section class="card" id="local-work" data-live' in page


def test_an_app_whose_workflow_runs_is_told_no_more_to_make_one(office: Office) -> None:
    """And what the default branch ran is the one to migrate with on a machine of one's own."""
    app_id = office.new_app()  # one of several
    office.new_app()
    services = office.world.services
    assignment = services.store.apps.assignment(app_id)
    assert assignment
    services.store.apps.edit(replace(assignment, migration_command=""))

    def page() -> str:
        return html.unescape(ask(office, f"GET /apps/{app_id}", office.people["write"]).text)

    before = page()
    run = office.past_run(app_id)
    of_a_branch = page()
    office.world.state.execute(
        "UPDATE runs SET primary_environment = 'production' WHERE id = %s", [run]
    )
    after = page()

    migrate = f"coppice migrate acme/shop --app-id {app_id} --migration-command"
    assert f"{migrate} COMMAND</code> to migrate and seed it, with the migration" in before
    assert f"{migrate} COMMAND</code> to migrate and seed it, with the migration" in of_a_branch
    assert f"{migrate} migrate</code> to migrate and seed it." in after
    assert "A workflow runs already" not in before
    assert "A workflow runs already" in after
    assert "Create the workflow at GitHub" not in after


@pytest.mark.parametrize("kind", InstanceKind)
def test_only_a_linked_server_has_a_certificate_to_edit(office: Office, kind: InstanceKind) -> None:
    services = office.world.services
    linked = services.store.instances.named("tenants")
    made = replace(linked, name=f"{kind.value}-{secrets.token_hex(4)}", kind=kind)
    services.store.instances.add(made)

    page = ask(office, f"GET /instances/{made.name}/edit", office.people["operator"]).text

    is_linked = kind is InstanceKind.LINKED
    assert ("CA certificate, runners, pooler</summary>" in page) is is_linked
    assert ("<summary>Runners, pooler</summary>" in page) is not is_linked
    assert ('name="ca_certificate"' in page) is is_linked
    assert "--ca-file" not in page
    assert "it stays as it is" in page


@pytest.mark.parametrize("form", ["limits", "offer"])
def test_what_an_empty_limit_means_is_said_for_connections_too(office: Office, form: str) -> None:
    page = ask(office, f"GET /instances/tenants/{form}", office.people["operator"]).text

    assert "An empty field means no limit; for connections it means the usual 40." in page


def test_fix_of_a_database_that_is_gone_asks_first(office: Office) -> None:
    app_id = office.new_app()
    lost = office.database(app_id, Environment.BRANCH, "lost")
    states.fail(office.world.services, lost, reason="gone", reason_code="database_missing")
    path, writer = f"/databases/{lost.id}/fix", office.people["write"]

    asked = ask(office, f"GET {path}", writer)
    unsaid = office.ask("POST", path, writer, headers=HTML, data={})
    before = office.world.services.store.databases.get(lost.id)
    said = office.ask("POST", path, writer, headers=HTML, data={"confirmation": lost.name})

    assert "<strong>new database</strong> in its place, empty." in asked.text
    assert unsaid.status_code == 400
    assert before.state is DatabaseState.ERROR
    assert said.status_code == 303
    assert office.world.services.store.databases.get(lost.id).state is DatabaseState.CREATING
