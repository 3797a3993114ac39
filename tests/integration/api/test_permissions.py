"""Who may do what over the API: each endpoint, asked by each kind of person and token."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.core.environments import Environment
from app.core.findings import Finding, ServerReport
from app.core.identifiers import RunId
from app.core.people import Actor
from app.core.repositories import InstallationState
from demo.github.faults import slow
from tests.integration.api.office import ROLES, Office

BRANCH = "feature/login"


@dataclass(frozen=True, kw_only=True)
class Case:
    """An endpoint, and the weakest permission that it needs; less than read sees nothing."""

    name: str
    method: str
    path: str
    weakest: str
    """Of ROLES, or `operator`, or `anybody` who is known."""
    body: dict[str, Any] = field(default_factory=dict)
    is_open: bool = False
    """It is no secret that there is such a thing: who may not, is told 403."""


def case(name: str, what: str, weakest: str, **more: Any) -> Case:
    method, path = what.split()
    return Case(name=name, method=method, path=path, weakest=weakest, **more)


LINK = {"name": "another", "url": "postgresql://admin:secret@127.0.0.1:1/postgres"}
CASES = [
    case("whoami", "GET /whoami", "anybody"),
    case("instances", "GET /instances", "anybody"),
    case("apps", "GET /apps", "anybody"),
    case("databases", "GET /databases", "anybody"),
    case("instance", "GET /instances/tenants", "read"),
    case("instance test", "POST /instances/tenants/test", "operator"),
    case("acknowledge", "PUT /instances/tenants/acknowledgements/superuser", "operator"),
    case("withdraw", "DELETE /instances/tenants/acknowledgements/superuser", "operator"),
    case("instance edit", "PATCH /instances/tenants", "operator"),
    case("instance delete", "DELETE /instances/tenants", "operator"),
    case("instance forget", "DELETE /instances/tenants?lost=true", "operator"),
    case("instance link", "POST /instances/link", "operator", body=LINK, is_open=True),
    case(
        "instance provision",
        "POST /instances/provision",
        "operator",
        body={"name": "tenants"},
        is_open=True,
    ),
    case("instance health", "GET /instances/tenants/health", "operator"),
    case("link test", "POST /instances/link/test", "operator", body=LINK, is_open=True),
    case("audit", "GET /audit", "operator", is_open=True),
    case("github app", "GET /github-app", "operator", is_open=True),
    case("forget github app", "DELETE /github-app", "operator", is_open=True),
    case("app", "GET /apps/{app}", "read"),
    case(
        "app assign",
        "POST /apps",
        "maintain",
        body={"repository": "acme/shop", "instance": "tenants", "app": "{new}"},
    ),
    case("app edit", "PATCH /apps/{app}", "maintain", body={"migration_command": "migrate"}),
    case("app remove", "DELETE /apps/{app}", "maintain"),
    case("workflow", "GET /apps/{app}/workflow", "read"),
    case("pull requests", "GET /apps/{app}/pull-requests", "read"),
    case("runs", "GET /apps/{app}/runs", "read"),
    case("run", "GET /apps/{app}/runs/{run}", "read"),
    case("log", "GET /apps/{app}/runs/{run}/migrations/{migration}/log", "write"),
    case("rerun", "POST /apps/{app}/runs/{run}/rerun", "write"),
    case("rerun protected", "POST /apps/{app}/runs/{protected_run}/rerun", "write"),
    case("database", "GET /databases/{branch}", "read"),
    case("sizes", "GET /databases/{branch}/sizes", "read"),
    case("create dev", "POST /apps/{app}/databases", "write"),
    case(
        "create production",
        "POST /apps/{app}/databases",
        "maintain",
        body={"environment": "production"},
    ),
]
for act in ("fix", "reset", "restore", "seed"):
    CASES.append(case(f"{act} branch", f"POST /databases/{{branch}}/{act}", "write"))
    CASES.append(case(f"{act} production", f"POST /databases/{{production}}/{act}", "maintain"))
    on_protected = "maintain" if act == "reset" else "write"
    CASES.append(case(f"{act} protected", f"POST /databases/{{protected}}/{act}", on_protected))
NOT_SEEDED = {"generation": 1, "seed": "none"}
CASES += [
    case("migrated", "POST /databases/{branch}/migrated", "write", body=NOT_SEEDED),
    case("edit branch", "PATCH /databases/{branch}", "write"),
    case("edit production", "PATCH /databases/{production}", "maintain"),
    case("edit protected", "PATCH /databases/{protected}", "write"),
    case(
        "create protected",
        "POST /apps/{app}/databases",
        "write",
        body={"environment": "branch", "branch": "release"},
    ),
    case("delete branch", "DELETE /databases/{branch}", "write"),
    case("delete protected", "DELETE /databases/{protected}", "maintain"),
    case("drop protected", "DELETE /databases/{protected}?now=true", "maintain"),
    case("delete production", "DELETE /databases/{production}", "maintain"),
    case("drop production", "DELETE /databases/{production}?now=true", "maintain"),
    case("credentials branch", "POST /databases/{branch}/credentials", "write"),
    case("credentials preview", "POST /databases/{preview}/credentials", "write"),
    case("credentials production", "POST /databases/{production}/credentials", "admin"),
]

PLACES = {
    "branch": (Environment.BRANCH, BRANCH),
    "protected": (Environment.BRANCH, "release"),
    "preview": (Environment.PREVIEW, None),
    "production": (Environment.PRODUCTION, None),
}


@pytest.fixture(scope="module", autouse=True)
def branches(office: Office) -> None:
    """GitHub protects one branch, and not the other."""
    for name in (BRANCH, "release"):
        office.world.github.push(office.world.repository, name)
    office.world.github.protect(office.world.repository, "release")


def outcome(office: Office, case: Case, token: str | None) -> str:
    """`ok` also where what is asked for cannot be done just now: it was allowed.

    Each time with an app of its own, which the one before cannot have changed.
    """
    app_id = office.new_app()
    path, body = case.path.replace("{app}", app_id), case.body
    for name, (environment, branch) in PLACES.items():
        if f"{{{name}}}" in path:
            database = office.database(app_id, environment, branch)
            path = path.replace(f"{{{name}}}", str(database.id))
    for name, branch in (("run", BRANCH), ("protected_run", "release")):
        if f"{{{name}}}" in path:
            run = office.past_run(app_id, branch_name=branch)
            [migration] = office.world.services.store.history.run(app_id, RunId(run)).migrations
            path = path.replace(f"{{{name}}}", str(run)).replace("{migration}", str(migration.id))
    if body.get("app") == "{new}":
        body = {**body, "app": f"{app_id}x"}
    answer = office.ask(case.method, f"/api/v1{path}", token, body)
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    assert "These fields are wrong" not in answer.text
    return str(answer.status_code) if answer.status_code in {401, 403, 404} else "ok"


def expected(case: Case, role: str) -> str:
    if case.weakest == "anybody" or role == "operator":
        return "ok"
    if case.weakest != "operator" and ROLES.index(role) >= ROLES.index(case.weakest):
        return "ok"
    return "404" if role == "none" and not case.is_open else "403"


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))


@each_case
def test_the_permission_decides(office: Office, case: Case) -> None:
    roles = [*ROLES, "operator"]

    found = {role: outcome(office, case, office.people[role]) for role in roles}

    assert found == {role: expected(case, role) for role in roles}


@each_case
def test_nobody_is_told_anything(office: Office, case: Case) -> None:
    assert outcome(office, case, None) == "401"
    assert outcome(office, case, "coppice_" + "a" * 40) == "401"


@each_case
@pytest.mark.parametrize("maker", ["admin", "operator"])
def test_a_token_for_reading_changes_nothing(office: Office, case: Case, maker: str) -> None:
    token = office.token(office.actor(maker), is_read_only=True)

    found = outcome(office, case, token)

    may = case.method == "GET" and expected(case, maker) == "ok"
    assert found == ("ok" if may else "403")


@each_case
@pytest.mark.parametrize("maker", ["admin", "operator"])
def test_a_token_for_an_app_reaches_no_other(office: Office, case: Case, maker: str) -> None:
    token = office.token(office.actor(maker), app_id=office.new_app())

    found = outcome(office, case, token)

    if case.weakest == "anybody" or case.name == "instance":
        assert found == "ok"
    elif case.weakest == "operator":
        assert found == "403"
    else:
        assert found == "404"


def test_lists_hold_what_one_may_see(office: Office) -> None:
    app_id, other = office.new_app(), office.new_app()
    database = office.database(app_id, Environment.PREVIEW)
    office.database(other, Environment.PREVIEW)
    token = office.token(office.actor("admin"), app_id=app_id)

    apps = office.ask("GET", "/api/v1/apps", token).json()["items"]
    databases = office.ask("GET", "/api/v1/databases", token).json()["items"]
    [instance] = office.ask("GET", "/api/v1/instances", token).json()["items"]

    assert [app["id"] for app in apps] == [app_id]
    assert [one["name"] for one in databases] == [database.name]
    assert (instance["apps"], instance["databases"]) == ([app_id], 1)
    assert instance["administration"] is None


def test_where_a_server_is_learns_who_may_connect_to_it(office: Office) -> None:
    office.new_app()

    found = {
        role: office.ask("GET", "/api/v1/instances/tenants", token).json()
        for role, token in office.people.items()
        if role != "none"
    }

    told = [role for role, instance in found.items() if instance["public_address"] is not None]
    assert told == ["write", "maintain", "admin", "operator"]
    assert found["write"]["administration"] is None
    assert "127.0.0.1" not in str(found["read"])


def test_strangers_see_empty_lists(office: Office) -> None:
    office.new_app()

    found = {
        what: office.ask("GET", f"/api/v1/{what}", office.people["none"]).json()["items"]
        for what in ("apps", "databases", "instances")
    }

    assert found == {"apps": [], "databases": [], "instances": []}


def test_what_one_may_not_see_looks_as_if_it_were_not_there(office: Office) -> None:
    app_id = office.new_app()

    hidden = office.ask("GET", f"/api/v1/apps/{app_id}", office.people["none"])
    absent = office.ask("GET", "/api/v1/apps/zz", office.people["none"])

    assert hidden.text.replace(app_id, "zz") == absent.text
    assert "acme" not in hidden.text


def test_a_repository_that_one_may_not_see_looks_as_if_it_were_not_there(office: Office) -> None:
    found = [
        office.ask(
            "POST",
            "/api/v1/apps",
            office.people["none"],
            {"repository": name, "instance": "tenants"},
        )
        for name in ("acme/shop", "acme/else")
    ]

    assert [answer.status_code for answer in found] == [404, 404]
    assert found[0].text.replace("acme/shop", "acme/else") == found[1].text


def test_where_the_app_may_not_look_nobody_sees_anything_and_lists_go_on(office: Office) -> None:
    app_id, world = office.new_app(), office.world
    user = world.github.grant(world.repository, "newcomer", "admin")
    token = office.token(Actor(name="github:newcomer", login="newcomer", user_id=user.id))

    world.github.suspend(world.installation)
    try:
        answers = [
            office.ask("GET", f"/api/v1/{what}", token)
            for what in ("apps", "databases", "instances", f"apps/{app_id}")
        ]
    finally:
        world.github.unsuspend(world.installation)

    assert [answer.status_code for answer in answers] == [200, 200, 200, 404]
    assert answers[0].json()["items"] == []


@pytest.mark.parametrize("role", ["none", "read"])
def test_who_may_not_does_not_make_the_service_ask_github_each_time(
    office: Office, role: str
) -> None:
    database = office.database(office.new_app(), Environment.BRANCH, BRANCH)
    office.world.github.faults.plan(slow(0), times=1000)

    for act in ("fix", "reset", "restore", "seed", "credentials") * 3:
        path = f"/api/v1/databases/{database.id}/{act}"
        assert office.ask("POST", path, office.people[role]).status_code in {403, 404}

    asked = 1000 - office.world.github.faults.left()
    office.world.github.faults.clear()
    assert asked <= 2


@pytest.mark.parametrize("role", ["none", "read"])
def test_nor_does_who_may_not_assign(office: Office, role: str) -> None:
    office.new_app()
    office.world.github.faults.plan(slow(0), times=1000)

    for name in ("acme/shop", "Acme/Shop") * 5:
        body = {"repository": name, "instance": "tenants"}
        answer = office.ask("POST", "/api/v1/apps", office.people[role], body)
        assert answer.status_code in {403, 404}

    asked = 1000 - office.world.github.faults.left()
    office.world.github.faults.clear()
    assert asked <= 2


@pytest.mark.parametrize(
    ("role", "said"), [("write", "needs the permission maintain"), ("maintain", "no instance")]
)
def test_a_repository_of_which_the_service_thought_it_was_gone_is_assigned_by_who_may(
    office: Office, role: str, said: str
) -> None:
    world = office.world
    office.new_app()
    gone = replace(world.known(), installation_state=InstallationState.REMOVED)
    world.services.store.repositories.save(gone)
    body = {"repository": "acme/shop", "instance": "tenants"}

    answer = office.ask("POST", "/api/v1/apps", office.people[role], body)

    world.services.store.repositories.save(world.known())
    assert said in answer.json()["message"]


def test_a_permission_that_was_withdrawn_ends_what_a_token_may(office: Office) -> None:
    app_id = office.new_app()
    database = office.database(app_id, Environment.PREVIEW)
    world = office.world
    user = world.github.grant(world.repository, "leaver", "write")
    token = office.token(Actor(name="github:leaver", login="leaver", user_id=user.id))
    fix = f"/api/v1/databases/{database.id}/fix"
    assert office.ask("POST", fix, token).status_code == 202

    world.github.grant(world.repository, "leaver", "none")

    assert office.ask("POST", fix, token).status_code == 404


def test_who_lacks_a_permission_is_sent_to_somebody_who_has_it(office: Office) -> None:
    """To maintain a repository is not enough for the login of production."""
    app_id = office.new_app()
    production = office.database(app_id, Environment.PRODUCTION)

    answer = office.ask(
        "POST", f"/api/v1/databases/{production.id}/credentials", office.people["maintain"], {}
    ).json()

    assert "the permission admin" in answer["message"]
    assert answer["advice"] == (
        "Ask somebody who has it, or an admin of the repository to give it to you."
    )


def test_an_instance_that_is_seen_is_managed_by_those_who_run_it(office: Office) -> None:
    office.new_app()

    seen = office.ask("GET", "/api/v1/instances/tenants", office.people["read"])
    health = office.ask("GET", "/api/v1/instances/tenants/health", office.people["read"])
    page = office.ask(
        "GET", "/instances/tenants", office.people["read"], headers={"Accept": "text/html"}
    )

    assert (seen.status_code, health.status_code, page.status_code) == (200, 403, 403)
    told = "tenants is for those who run it: operators, and the account that owns it."
    assert health.json()["message"] == told
    assert told in page.text


@pytest.mark.parametrize(
    ("path", "listing"),
    [
        ("/databases/{app}-production", "/api/v1/databases"),
        ("/databases/{app}-production/sizes", "/api/v1/databases"),
        ("/apps/{app}/runs/latest", "/api/v1/apps/{app}/runs"),
    ],
)
def test_a_name_in_place_of_a_number_is_answered_with_where_the_number_is(
    office: Office, path: str, listing: str
) -> None:
    app_id = office.new_app()

    answer = office.ask("GET", "/api/v1" + path.format(app=app_id), office.people["read"])

    assert answer.status_code == 404
    assert "a number, and not a name" in answer.json()["message"]
    assert f"from the list, {listing.format(app=app_id)}: " in answer.json()["advice"]


@pytest.mark.parametrize("path", ["/databass/x", "/apps/{app}/nonsense/x", "/databases/1/nonsense"])
def test_what_is_nowhere_is_no_matter_of_numbers(office: Office, path: str) -> None:
    path = "/api/v1" + path.format(app=office.new_app())

    answer = office.ask("GET", path, office.people["operator"])

    assert (answer.status_code, answer.json()["message"]) == (404, "There is no such page.")


@pytest.mark.parametrize(
    ("what", "listing"),
    [
        ("GET /apps/zzzzzz", "The list of apps"),
        ("DELETE /apps/zzzzzz", "The list of apps"),
        ("GET /databases/999999", "The list of databases"),
        ("GET /instances/zzzzzz", "The list of instances"),
        ("GET /apps/{app}/runs/999999", "The list of the app's runs"),
    ],
)
def test_what_is_not_there_is_answered_with_where_to_look(
    office: Office, what: str, listing: str
) -> None:
    method, path = what.format(app=office.new_app()).split()

    answer = office.ask(method, "/api/v1" + path, office.people["write"])

    assert answer.status_code == 404, answer.text
    assert answer.json()["advice"].startswith(listing)


def test_a_finding_is_accepted_with_who_and_when_and_what_prevents_work_is_not(
    office: Office,
) -> None:
    services, path = office.world.services, "/api/v1/instances/tenants"
    hint = Finding(code="expires", message="It ends.", advice="Renew it.", is_fatal=False)
    fatal = Finding(code="standby", message="Read-only.", advice="Elsewhere.", is_fatal=True)
    report = ServerReport(version="18.6", findings=(hint, fatal))
    services.store.measurements.record(
        services.store.instances.named("tenants").id,
        at=services.clock(),
        report=report,
        sizes={},
        free_bytes=None,
    )
    operator = office.people["operator"]

    answers = [
        office.ask("PUT", f"{path}/acknowledgements/{code}", operator).status_code
        for code in ("expires", "standby", "unheard_of")
    ]

    health = office.ask("GET", f"{path}/health", operator).json()
    by_code = {one["code"]: one["acknowledged"] for one in health["findings"]}
    withdrawn = office.ask("DELETE", f"{path}/acknowledgements/expires", operator)
    again = office.ask("DELETE", f"{path}/acknowledgements/expires", operator)
    assert answers == [204, 409, 409]
    assert by_code["expires"]["by"]
    assert by_code["standby"] is None
    assert (withdrawn.status_code, again.status_code) == (204, 409)
