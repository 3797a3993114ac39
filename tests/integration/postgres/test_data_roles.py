"""One role owns what is inside all branch databases of an app: nothing crosses between them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import psycopg
import pytest
from psycopg import errors, sql

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import AdminLogin
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import NewAdmin, Place, Tenant, job_request, made
from tests.integration.postgres.test_stubborn_jobs import holding, within_seconds

NewTenant = Callable[..., TenantDatabase]


@pytest.fixture
def new_place(
    tenant_server: PostgresServer, postgres_admin: AdminLogin, new_tenant: NewTenant
) -> Callable[..., Place]:
    """Makes a database with its login and a job's; of the same app as another if that is given."""

    def new(*, beside: TenantDatabase | None = None, is_production: bool = False) -> Place:
        database = new_tenant(beside=beside)
        if is_production:
            database = replace(database, data_role=None)
        return made(tenant_server, postgres_admin, database)

    return new


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A branch, and what lies around it on its server."""

    branch: Place
    around: dict[str, Place]


@pytest.fixture
def town(new_place: Callable[..., Place]) -> Town:
    branch = new_place()
    return Town(
        branch=branch,
        around={
            "its sister": new_place(beside=branch.database),
            "its production": new_place(beside=branch.database, is_production=True),
            "another app's": new_place(),
            "a third app's": new_place(),
        },
    )


# What PostgreSQL refuses to whoever is in another database; `{other}` is a database, `{login}`,
# `{owner}` and `{job}` are its roles, `{shared}` is the data role of who tries.
REFUSED = [
    "SET ROLE {login}",
    "SET ROLE {job}",
    "SET ROLE {owner}",
    "ALTER DATABASE {other} SET search_path = evil",
    "ALTER DATABASE {other} RENAME TO mallory",
    "ALTER DATABASE {other} IS_TEMPLATE true",
    "COMMENT ON DATABASE {other} IS 'evil'",
    "DROP DATABASE {other}",
    "ALTER ROLE {login} PASSWORD 'evil'",
    "ALTER ROLE {login} IN DATABASE {other} SET search_path = evil",
    "GRANT {shared} TO {login}",
    "GRANT {login} TO CURRENT_USER",
    "REVOKE {shared} FROM {login}",
    "ALTER ROLE {shared} LOGIN",
    "ALTER ROLE {shared} RENAME TO mallory",
    "COMMENT ON ROLE {shared} IS 'evil'",
    "CREATE DATABASE copied TEMPLATE {other}",
]
QUERY_OF = "SELECT query FROM pg_stat_activity WHERE pid = %s"
HIDDEN = ("<insufficient privilege>",)


def test_nothing_crosses_from_a_branch_to_what_is_beside_it(
    town: Town, superuser: Session, superuser_in: Callable[[str], Session]
) -> None:
    branch, shared = town.branch, town.branch.database.data_role
    before = {name: state_of(superuser, superuser_in, place) for name, place in around(town)}

    for attacker in branch.both:
        for _, place in around(town):
            attack_all(attacker, place)
    for name, place in around(town):
        assert state_of(superuser, superuser_in, place) == before[name]
        for attacker in branch.both:
            cannot_enter(attacker, place)
    # And the other way: what lies around gets at the branch no more than the branch at that.
    for _, place in around(town):
        for attacker in place.both:
            cannot_enter(attacker, branch)
            with attacker.session() as session, pytest.raises(errors.InsufficientPrivilege):
                session.execute(filled_in("SET ROLE {login}", branch, shared=shared))


def attack_all(attacker: Tenant, place: Place) -> None:
    shared = attacker.database.data_role
    cannot_enter(attacker, place)
    with attacker.session() as session:
        for attack in REFUSED:
            # The second for renaming the role as which one acts.
            with pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)):
                session.execute(filled_in(attack, place, shared=shared))
        for victim in place.both:
            with victim.session() as inside:
                pid = inside.info.backend_pid
                assert session.execute(QUERY_OF, [pid]).fetchone() == HIDDEN
                with pytest.raises(errors.InsufficientPrivilege):
                    session.execute("SELECT pg_terminate_backend(%s)", [pid])
        try_what_does_nothing(session, place, attacker)


def around(town: Town) -> Iterator[tuple[str, Place]]:
    yield from town.around.items()


def filled_in(text: str, place: Place, *, shared: str | None) -> sql.Composed:
    database = place.database
    return sql.SQL(text).format(
        other=sql.Identifier(database.name),
        login=sql.Identifier(database.login_role),
        owner=sql.Identifier(database.owner_role),
        job=sql.Identifier(place.job.role),
        shared=sql.Identifier(shared or ""),
    )


def cannot_enter(attacker: Tenant, place: Place) -> None:
    with (
        pytest.raises(psycopg.OperationalError, match="permission denied for database"),
        attacker.session(database=place.database.name),
    ):
        pass


def try_what_does_nothing(session: Session, place: Place, attacker: Tenant) -> None:
    """Statements that PostgreSQL takes, or only warns of."""
    shared = attacker.database.data_role
    for attempt in (
        "SET ROLE {shared}; GRANT ALL ON DATABASE {other} TO {shared}",
        "SET ROLE {shared}; REVOKE ALL ON DATABASE {other} FROM {login}",
        "SET ROLE {shared}; ALTER ROLE {shared} PASSWORD 'evil'",
        "SET ROLE {shared}; ALTER ROLE {shared} IN DATABASE {other} SET search_path = evil",
        "SET ROLE {shared}; ALTER ROLE {shared} SET work_mem = '1GB'",
        "SET ROLE {shared}; ALTER ROLE {shared} SET role = none",
    ):
        try:
            session.execute(filled_in(attempt, place, shared=shared))
        except errors.InsufficientPrivilege:
            assert place.database.data_role != shared
    session.execute("RESET ROLE")


def state_of(
    superuser: Session, superuser_in: Callable[[str], Session], place: Place
) -> tuple[object, ...]:
    """All that another could have changed: rights, owners, and what new sessions begin with."""
    acl = superuser.execute(
        "SELECT datacl::text, datistemplate, shobj_description(oid, 'pg_database')"
        " FROM pg_database WHERE datname = %s",
        [place.database.name],
    ).fetchone()
    members = superuser.execute(
        "SELECT member, roleid, inherit_option, set_option FROM pg_auth_members"
        " WHERE pg_get_userbyid(member) = ANY (%s) ORDER BY 1, 2",
        [[place.login.role, place.job.role]],
    ).fetchall()
    inside = superuser_in(place.database.name)
    owners = inside.execute(
        "SELECT nspname::text, pg_get_userbyid(nspowner)::text, nspacl::text FROM pg_namespace"
        " WHERE nspname !~ '^pg_' UNION ALL SELECT relname, pg_get_userbyid(relowner), relacl::text"
        " FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    ).fetchall()
    inside.close()
    settings = [f"current_setting('{name}')" for name in ("search_path", "work_mem")]
    begins = [
        [one.value(f"SELECT {what}") for what in ("current_user", *settings)] for one in place.both
    ]
    return acl, members, owners, begins


@pytest.mark.parametrize(
    "ending", ["DROP OWNED BY {shared} CASCADE", "REASSIGN OWNED BY {shared} TO {own}"]
)
def test_what_a_branch_does_to_its_data_role_stays_in_its_own_database(
    ending: str,
    new_place: Callable[..., Place],
    tenant_server: PostgresServer,
    superuser: Session,
    superuser_in: Callable[[str], Session],
) -> None:
    branch = new_place()
    sister = new_place(beside=branch.database)
    sister.job.run("CREATE TABLE precious (a int)", "INSERT INTO precious VALUES (1)")
    before = state_of(superuser, superuser_in, sister)
    names = {
        "shared": sql.Identifier(branch.database.data_role or ""),
        "own": sql.Identifier(branch.login.role),
    }

    with branch.login.session() as session:
        session.execute(sql.SQL(ending).format(**names))

    assert state_of(superuser, superuser_in, sister) == before
    sister.job.run("CREATE SCHEMA more", "CREATE TEMPORARY TABLE t (a int)")
    assert sister.login.value("SELECT count(*) FROM precious") == 1
    # Nor does it keep the service from making good what it did at home.
    tenant_server.provision(branch.database, password=branch.login.password)
    branch.job.run("CREATE SCHEMA again")


def test_a_stranger_who_may_make_databases_cannot_copy_one(
    new_place: Callable[..., Place], new_admin: NewAdmin
) -> None:
    branch = new_place()
    admin = new_admin("CREATEDB CREATEROLE")
    stranger = replace(branch.login, role=RoleName(admin.user), password=admin.password)

    with (
        stranger.session(database="postgres") as session,
        pytest.raises(errors.InsufficientPrivilege, match="copy"),
    ):
        session.execute(
            sql.SQL("CREATE DATABASE copied TEMPLATE {}").format(
                sql.Identifier(branch.database.name)
            )
        )


def test_who_works_in_a_branch_can_alter_what_the_other_made(
    new_place: Callable[..., Place], tenant_server: PostgresServer
) -> None:
    """An application's session makes things as the long-lived login, a job's as the data role."""
    branch = new_place()
    branch.job.run("CREATE TABLE of_job (a int)")
    branch.login.run(
        "ALTER TABLE of_job ADD COLUMN b int",
        "CREATE TABLE of_application (a int)",
        "CREATE SCHEMA own; CREATE VIEW own.v AS SELECT * FROM of_application",
    )

    later = job_request(branch.database, name="later")
    tenant_server.open_job_login(branch.database, later)

    job = replace(branch.job, role=later.role, password=later.password)
    job.run("ALTER TABLE of_application ADD COLUMN b int", "DROP SCHEMA own CASCADE")
    branch.login.run("INSERT INTO of_application VALUES (1, 2)", "DROP TABLE of_application")


def test_a_job_sees_and_ends_an_applications_sessions_once_it_is_out_of_its_role(
    new_place: Callable[..., Place],
) -> None:
    branch = new_place()
    with branch.login.session() as application, branch.job.session() as session:
        pid = application.info.backend_pid
        assert session.execute(QUERY_OF, [pid]).fetchone() == HIDDEN
        with pytest.raises(errors.InsufficientPrivilege):
            session.execute("SELECT pg_terminate_backend(%s)", [pid])

        session.execute("SET ROLE none")

        assert session.execute(QUERY_OF, [pid]).fetchone() != HIDDEN
        assert session.execute("SELECT pg_terminate_backend(%s)", [pid]).fetchone() == (True,)


def test_what_an_application_holds_keeps_no_job_from_beginning(
    new_place: Callable[..., Place], tenant_server: PostgresServer
) -> None:
    branch = new_place()
    branch.login.run("CREATE TABLE held (a int)", "CREATE TABLE free (a int)")
    later = job_request(branch.database, name="later")

    with holding(branch.login, "LOCK TABLE held"), within_seconds():
        tenant_server.open_job_login(branch.database, later)

    job = replace(branch.job, role=later.role, password=later.password)
    job.run("ALTER TABLE free ADD COLUMN b int")


def test_production_belongs_to_its_own_login(
    new_place: Callable[..., Place], tenant_server: PostgresServer
) -> None:
    production = new_place(is_production=True)
    production.job.run("CREATE TABLE t (a int)", "ALTER ROLE CURRENT_USER SET search_path = app")
    production.job.run("SET ROLE none", "CREATE TABLE left_behind (a int)")

    end = tenant_server.close_job_login(
        production.database, production.job.role, password=production.login.password
    )

    assert end.left is None
    owners = "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname='public'"
    assert production.login.value(owners) == production.login.role
    assert production.login.value("SHOW search_path") == "app"


def test_two_who_make_the_first_databases_of_an_app_at_once_share_its_role(
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
    new_tenant: NewTenant,
    superuser: Session,
) -> None:
    first = new_tenant()
    databases = [first, *(new_tenant(beside=first) for _ in range(3))]

    with ThreadPoolExecutor(max_workers=4) as workers:
        places = list(workers.map(lambda one: made(tenant_server, postgres_admin, one), databases))

    for place in places:
        place.job.run("CREATE TABLE t (a int)")
        assert place.login.value("SELECT tableowner FROM pg_tables WHERE tablename = 't'") == (
            first.data_role
        )
    for place in places[1:]:
        tenant_server.drop(place.database)
    assert places[0].login.value("SELECT count(*) FROM t") == 0
    assert exists(superuser, first.data_role)
    tenant_server.drop(first)
    assert not exists(superuser, first.data_role)


def exists(superuser: Session, role: str | None) -> bool:
    return bool(superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount)


def test_each_of_two_branches_gets_what_its_own_run_set(
    new_place: Callable[..., Place], tenant_server: PostgresServer, superuser: Session
) -> None:
    branch = new_place()
    sister = new_place(beside=branch.database)
    for place, path in ((branch, "one"), (sister, "two")):
        at_home = f'ALTER ROLE CURRENT_USER IN DATABASE "{place.database.name}"'
        place.job.run(f"{at_home} SET search_path = {path}", f"{at_home} SET work_mem = '9MB'")
    branch.job.run("ALTER ROLE CURRENT_USER SET timezone = 'Asia/Tokyo'")

    taken = [ended(tenant_server, place) for place in (branch, sister)]

    assert taken == [("work_mem",), ("work_mem",)]
    assert branch.login.value("SHOW search_path") == "one"
    assert sister.login.value("SHOW search_path") == "two"
    assert branch.login.value("SHOW work_mem") != "9MB"
    # Whose it was nobody knows: both run the app's migrations, and both have it.
    for place in (branch, sister):
        assert place.login.value("SHOW timezone") == "Asia/Tokyo"
    left = superuser.execute(
        "SELECT FROM pg_db_role_setting WHERE setrole = %s::regrole",
        [f'"{branch.database.data_role}"'],
    )
    assert left.rowcount == 0


def ended(server: PostgresServer, place: Place) -> tuple[str, ...]:
    return server.close_job_login(
        place.database, place.job.role, password=place.login.password
    ).settings


def test_what_was_set_for_the_data_role_between_runs_is_nobodys(
    new_place: Callable[..., Place], tenant_server: PostgresServer
) -> None:
    branch = new_place()
    sister = new_place(beside=branch.database)
    for place in (branch, sister):
        ended(tenant_server, place)
    shared = branch.database.data_role
    sister.login.run(
        f'SET ROLE "{shared}"',
        f'ALTER ROLE "{shared}" IN DATABASE "{branch.database.name}" SET search_path = evil',
        f"ALTER ROLE \"{shared}\" SET timezone = 'Asia/Tokyo'",
    )

    later = job_request(branch.database, name="later")
    tenant_server.open_job_login(branch.database, later)
    tenant_server.close_job_login(branch.database, later.role, password=branch.login.password)

    assert branch.login.value("SHOW search_path") == '"$user", public'
    assert branch.login.value("SHOW timezone") != "Asia/Tokyo"


def test_what_a_sister_holds_of_the_data_role_keeps_no_job_from_ending(
    new_place: Callable[..., Place], tenant_server: PostgresServer
) -> None:
    branch = new_place()
    sister = new_place(beside=branch.database)
    shared, name = branch.database.data_role, branch.database.name
    setting = f'ALTER ROLE "{shared}" IN DATABASE "{name}" SET search_path = app'
    branch.job.run(setting, f"ALTER ROLE \"{shared}\" SET timezone = 'Asia/Tokyo'")
    hold = f'SET ROLE "{shared}"; {setting}; ALTER ROLE "{shared}" SET timezone = \'UTC\''

    with holding(sister.login, hold), within_seconds():
        ended(tenant_server, branch)
        later = job_request(branch.database, name="later")
        tenant_server.open_job_login(branch.database, later)

    assert branch.login.value("SHOW search_path") == "app"
    assert branch.login.value("SHOW timezone") == "Asia/Tokyo"


@pytest.mark.parametrize("way", ["seal", "drop", "clear", "limit_connections", "provision"])
def test_a_sister_that_holds_a_databases_row_is_out(
    way: str, new_place: Callable[..., Place], tenant_server: PostgresServer
) -> None:
    """Who may make things in a database may also update its row: PostgreSQL only warns."""
    branch = new_place()
    sister = new_place(beside=branch.database)
    hold = f'GRANT CONNECT ON DATABASE "{branch.database.name}" TO "{sister.login.role}"'

    with holding(sister.login, hold), within_seconds():
        if way == "provision":
            tenant_server.provision(branch.database, password=branch.login.password)
        else:
            getattr(tenant_server, way)(branch.database)

    assert sister.login.can_connect()


def test_rights_of_a_data_role_that_are_not_as_they_must_be_are_told(
    new_place: Callable[..., Place], tenant_server: PostgresServer, superuser: Session
) -> None:
    branch = new_place()
    shared, name = branch.database.data_role, branch.database.name
    superuser.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{shared}"'.encode())

    with pytest.raises(ProvisioningFailed, match="grants on database") as refusal:
        tenant_server.provision(branch.database, password=branch.login.password)

    assert str(shared) in str(refusal.value)


def test_a_closed_database_is_held_by_no_sister(
    new_place: Callable[..., Place], tenant_server: PostgresServer
) -> None:
    """Closed, it can be held by none of them: renaming it and dropping it wait for nobody."""
    branch = new_place()
    sister = new_place(beside=branch.database)
    retired = DatabaseName(f"{branch.database.name}-retired")
    tenant_server.seal(branch.database)

    with sister.job.session() as session, pytest.raises(errors.InsufficientPrivilege):
        session.execute(f'GRANT CONNECT ON DATABASE "{branch.database.name}" TO public'.encode())
    tenant_server.rename(branch.database, new_name=retired)
    tenant_server.rename(replace(branch.database, name=retired), new_name=branch.database.name)
    tenant_server.unseal(branch.database, password=branch.login.password)

    branch.login.run("CREATE SCHEMA works")
