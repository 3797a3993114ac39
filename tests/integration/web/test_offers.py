"""What the pages offer to seed, create and trace; pressing it does what the API does."""

import re

import pytest

from app.core.assignments import Policies, PreviewPolicy, TracePolicy
from app.core.audit import AuditEvent
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, PullRequestNumber
from tests.integration import states
from tests.integration.api.office import Office

HTML = {"Accept": "text/html"}


def ask(
    office: Office, method: str, path: str, role: str = "write", **form: str
) -> tuple[int, str]:
    answer = office.ask(method, path, office.people[role], headers=HTML, data=form or None)
    return answer.status_code, answer.text


def ready(office: Office, app_id: AppId, branch: str) -> Database:
    """A branch's database that was migrated before."""
    services = office.world.services
    database = office.database(app_id, Environment.BRANCH, branch)
    states.make_ready(services, database)
    states.migrate(services, database.id, "a" * 40)
    return services.store.databases.get(database.id)


def row(text: str, database: Database) -> str:
    [found] = re.findall(rf'<tr[^>]* id="database-{database.id}">.*?</tr>', text, re.DOTALL)
    return str(found)


def creates(text: str, kind: str = "environment") -> list[str]:
    """What buttons of the page create; branches are those of pull requests."""
    return re.findall(rf'name="{kind}" value="([^"]+)"><button', text)


# --- seeding -------------------------------------------------------------------------------------


def test_what_was_seeded_is_seeded_once_more_when_somebody_presses_seed(office: Office) -> None:
    app_id, services = office.new_app(), office.world.services
    office.with_policies(app_id, Policies(seed_command="make <seed>"))
    database = ready(office, app_id, "x")
    services.store.seeds.settle(database, at=services.clock())
    path = f"/databases/{database.id}/seed"

    offered = row(ask(office, "GET", f"/apps/{app_id}")[1], database)
    _, question = ask(office, "GET", path)
    unchanged = services.store.seeds.of(database)
    status, _ = ask(office, "POST", path)
    owed = row(ask(office, "GET", f"/apps/{app_id}")[1], database)

    assert f'href="{path}"' in offered
    assert "<code>make &lt;seed&gt;</code>" in question
    assert unchanged is not None
    assert not unchanged.is_owed
    assert status == 303
    assert "seeded by the next run" in owed
    assert path not in owed
    [entry] = services.store.audit.latest(limit=1, containing=database.name)
    assert entry.action == AuditEvent.DATABASES_SEED


def test_a_seed_that_nobody_knows_or_may_have_is_not_offered(office: Office) -> None:
    app_id = office.new_app()
    database = ready(office, app_id, "x")

    without_command = ask(office, "GET", f"/apps/{app_id}")[1]
    office.with_policies(app_id, Policies(seed_command="make seed"))
    of_reader = ask(office, "GET", f"/apps/{app_id}", "read")[1]
    of_writer = ask(office, "GET", f"/apps/{app_id}")[1]

    path = f"/databases/{database.id}/seed"
    assert [path in text for text in (without_command, of_reader, of_writer)] == [
        False,
        False,
        True,
    ]


def test_production_is_not_seeded_by_a_button_either(office: Office) -> None:
    app_id, services = office.new_app(), office.world.services
    office.with_policies(app_id, Policies(seed_command="make seed"))
    production = office.database(app_id, Environment.PRODUCTION)
    states.make_ready(services, production)

    status, text = ask(office, "POST", f"/databases/{production.id}/seed", "maintain")

    assert status == 400
    assert "Production is not seeded." in text
    assert services.store.seeds.of(production) is None


# --- creating ------------------------------------------------------------------------------------


def test_an_environment_without_a_database_is_created_by_who_may(office: Office) -> None:
    app_id, services = office.new_app(), office.world.services
    path = f"/apps/{app_id}"

    offers = {role: creates(ask(office, "GET", path, role)[1]) for role in ("read", "write")}
    maintainer = creates(ask(office, "GET", path, "maintain")[1])
    status, _ = ask(office, "POST", f"{path}/databases", environment="preview")
    text = ask(office, "GET", path)[1]

    assert offers == {"read": [], "write": ["preview", "dev"]}
    assert maintainer == ["production", "preview", "dev"]
    assert status == 303
    preview = services.store.databases.live(app_id, Environment.PREVIEW)
    assert preview is not None
    assert preview.state is DatabaseState.CREATING
    assert "data-refresh" in text
    assert "There is no production database." in text
    assert "There is no preview database." not in text


def test_preview_is_not_missed_where_the_assignment_wants_none(office: Office) -> None:
    app_id = office.new_app()
    office.with_policies(app_id, Policies(preview=PreviewPolicy.OFF))

    assert "There is no preview database." not in ask(office, "GET", f"/apps/{app_id}")[1]


def test_a_branch_of_a_pull_request_gets_its_database_from_the_page(office: Office) -> None:
    app_id, world = office.new_app(), office.world
    world.github.push(world.repository, "lonely")
    number = world.github.open_pull_request(world.repository, "lonely").number
    repositories = world.services.store.repositories
    repository = repositories.named("acme/shop")
    assert repository is not None
    pull_request = world.services.github.pull_request(repository, PullRequestNumber(number))
    assert pull_request is not None
    repositories.save_pull_request(pull_request)

    offered = creates(ask(office, "GET", f"/apps/{app_id}")[1], "branch")
    status, _ = ask(office, "POST", f"/apps/{app_id}/databases", branch="lonely")

    assert "lonely" in offered
    assert status == 303
    found = world.services.store.databases.live(app_id, Environment.BRANCH, BranchName("lonely"))
    assert found is not None


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"branch": "not <there>"}, 400, "cannot be the name of a branch"),
        ({"branch": "not-there"}, 404, "has no branch"),
        ({"branch": "main"}, 400, "main is the default branch"),
        ({"environment": "staging"}, 400, "There is no such environment."),
        ({"environment": "dev-shadow"}, 400, "There is no such environment."),
    ],
)
def test_what_cannot_be_created_is_explained_on_the_page(
    office: Office, form: dict[str, str], status: int, said: str
) -> None:
    app_id = office.new_app()

    answer, text = ask(office, "POST", f"/apps/{app_id}/databases", **form)

    assert answer == status
    assert said in text
    assert "<there>" not in text
    assert list(office.world.services.store.databases.all(app_id=app_id)) == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "It is being made"),
        (DatabaseState.READY, "It is there already"),
        (DatabaseState.DELETED, "it is restored with its data"),
    ],
)
def test_create_says_what_it_found(office: Office, state: DatabaseState | None, said: str) -> None:
    app_id, services = office.new_app(), office.world.services
    if state is not None:
        database = office.database(app_id, Environment.DEV)
        states.make_ready(services, database)
    if state is DatabaseState.DELETED:
        states.delete(services, database)

    answer = office.ask(
        "POST",
        f"/apps/{app_id}/databases",
        office.people["write"],
        headers=HTML,
        data={"environment": "dev"},
    )
    page = ask(office, "GET", answer.headers["Location"])[1]

    assert answer.status_code == 303
    assert said in page


def test_the_default_branch_is_explained_in_the_words_of_the_page(office: Office) -> None:
    branch = office.world.repository.default_branch

    status, text = ask(office, "POST", f"/apps/{office.new_app()}/databases", branch=branch)

    assert status == 400
    assert "its database is production" in text
    assert "Use that one if it is what you mean." in text
    assert "--environment" not in text


# --- tracing -------------------------------------------------------------------------------------


def test_a_trace_that_is_off_is_offered_to_those_who_edit_the_rules(office: Office) -> None:
    app_id = office.new_app()
    path = f"/apps/{app_id}/edit"

    def offered(role: str) -> bool:
        return f'href="{path}#trace"' in ask(office, "GET", f"/apps/{app_id}", role)[1]

    usual = offered("maintain")
    office.with_policies(app_id, Policies(trace=TracePolicy.OFF))
    off = {role: offered(role) for role in ("read", "write", "maintain")}

    assert usual is False
    assert off == {"read": False, "write": False, "maintain": True}
    assert 'id="trace"' in ask(office, "GET", path, "maintain")[1]
