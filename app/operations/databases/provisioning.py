"""Making databases: intent first, then PostgreSQL, then `ready`."""

from dataclasses import replace
from functools import partial

from app.core import lifecycle, names
from app.core.assignments import Assignment
from app.core.checks import CheckSubject
from app.core.databases import TEMPLATE_MISSING, Database, DatabaseState, TenantDatabase
from app.core.environments import Environment
from app.core.errors import CoppiceError, LockLost, ProvisioningFailed, TransientError
from app.core.identifiers import AppId, BranchName, CommitSha, DatabaseId, DatabaseName
from app.core.intents import AnswerPullRequest, Intent, MeasureInstance, ReconcileBranch
from app.operations.checks import reports
from app.operations.databases import limits, templates
from app.operations.ports.postgres import DatabaseServer
from app.operations.services import Services
from app.store.store import Store

_MEASURED_AFTER_SECONDS = 2


def intend_database(
    services: Services,
    assignment: Assignment,
    environment: Environment,
    branch: BranchName | None = None,
    *,
    is_empty: bool = False,
) -> Database:
    """Record that this database should exist, or return the one that takes its place.

    It begins as a clone where its app has a template, unless it is to be empty.

    Raises Conflict when another database of the instance has the name.
    """
    app = assignment.app.id
    token = services.new_token()
    parent = templates.current_of(services.store, assignment)
    is_cloned = environment.shares_data_role and not is_empty
    return services.store.databases.intend(
        Database(
            app_id=app,
            instance_id=assignment.instance_id,
            environment=environment,
            branch=branch,
            name=name_for(services.store, app, environment, branch),
            owner_role=names.owner_role(app, token),
            login_role=names.login_role(app, token),
            data_role=names.data_role(app, token) if environment.shares_data_role else None,
            marker=services.new_token() + services.new_token(),
            cloned_from=parent.id if is_cloned and parent else None,
            created_at=services.clock(),
        )
    )


def name_for(
    store: Store, app: AppId, environment: Environment, branch: BranchName | None
) -> DatabaseName:
    """What a database is called that is made now; templates are numbered."""
    if environment is Environment.TEMPLATE:
        return names.template_name(app, store.databases.last_template_number(app) + 1)
    return names.database_name(app, environment, branch)


def shadow_of(store: Store, database: Database) -> Database | None:
    """The shadow database that shares the life of `dev`; None for every other database."""
    if database.environment is not Environment.DEV:
        return None
    return store.databases.live(database.app_id, Environment.SHADOW)


def ensure_database(services: Services, database_id: DatabaseId) -> Database:
    """Finish a database that is `creating`, or repair one in `error`; leave others alone.

    One that was ready and is not on its server any more was lost: that is told, and no empty one is
    made until a person wants it (Fix).

    May be killed anywhere and repeated. What repeating will not mend leaves the state `error` with
    the reason; a TransientError does the same and is raised, so that the job tries again.

    With `dev` its shadow is made, or set up once more.
    """
    # Its intent comes first, so that it is finished too should we die in between.
    shadow = _intend_shadow(services, services.store.databases.get(database_id))
    ensured = _ensure(services, database_id)
    if shadow is not None:
        _ensure(services, shadow.id)
    return ensured


def _ensure(services: Services, database_id: DatabaseId) -> Database:
    with services.store.databases.exclusively(database_id) as database:
        while not _try_to_ensure(services, database):
            database = services.store.databases.still_held(database)
    return services.store.databases.get(database_id)


def _try_to_ensure(services: Services, database: Database) -> bool:
    """False when it was to be emptied meanwhile: a reset waits for no lock."""
    if database.state not in {DatabaseState.CREATING, DatabaseState.ERROR}:
        return True
    if database.is_frozen:
        return True  # only a person, or space, opens it: see `limits`
    try:
        _provision(services, database)
    except ProvisioningFailed as error:
        failed(services, database, error)
        return True
    except LockLost:
        raise  # how it is, another worker says
    except TransientError as error:
        failed(services, database, error)
        raise
    made = partial(lifecycle.made, generation=database.generation, now=services.clock())
    then = [
        *answers(services.store, database),
        *corrections(services.store, database),
        measurement(database),
    ]
    return services.store.databases.apply(database, made, then=then) is not None


def rebuild_database(services: Services, database_id: DatabaseId, *, generation: int) -> Database:
    """Replace a database by a new one, empty or a clone, of the same name, roles and password.

    Does nothing but finish what was begun when it is past that generation. Cannot be undone. The
    shadow of `dev` holds nothing that lasts: it is emptied each time.
    """
    services.store.databases.apply_to(database_id, partial(lifecycle.afresh, generation=generation))
    shadow = shadow_of(services.store, services.store.databases.get(database_id))
    if shadow is not None:
        afresh = partial(lifecycle.afresh, generation=shadow.generation)
        services.store.databases.apply_to(shadow.id, afresh)
    return ensure_database(services, database_id)


def report_database(
    store: Store, assignment: Assignment, database: Database, head_sha: CommitSha
) -> None:
    """Want the `database` check that fits the database's state on a commit."""
    if database.state is DatabaseState.READY:
        seconds = None
        if database.ready_at is not None and database.generation == 1:
            seconds = (database.ready_at - database.created_at).total_seconds()
        content = reports.database_ready(
            assignment.app,
            database,
            seconds=seconds,
            parent=store.databases.get(database.cloned_from) if database.cloned_from else None,
            remark=templates.remark(store, assignment, database) or limits.remark(store, database),
        )
    elif database.state is DatabaseState.ERROR:
        content = reports.database_failed(assignment.app, database)
    else:
        return
    store.checks.want(
        content,
        CheckSubject(
            repository_id=assignment.app.repository_id,
            head_sha=head_sha,
            app_id=assignment.app.id,
            database_id=database.id,
        ),
    )


def server_of(services: Services, database: Database) -> DatabaseServer:
    """The server that a database lives on."""
    return services.server_for(services.instance_of(database))


def tenant_of(store: Store, database: Database) -> TenantDatabase:
    """What PostgreSQL is told of a database, with the extensions its assignment lists."""
    assignment = store.apps.assignment(database.app_id)
    return database.tenant(
        extensions=assignment.policies.extensions if assignment else (),
        connections=store.limits.of(database.instance_id).connections,
    )


def password_of(services: Services, database: Database) -> str:
    """The long-lived login's password; stored before PostgreSQL ever sees its verifier.

    For the holder of the database's lock.
    """
    password = services.store.databases.password(database.id)
    if password is None:
        password = services.new_secret()
        services.store.databases.set_password(database, password)
    return password


def answers(store: Store, database: Database) -> list[Intent]:
    """Jobs that tell the open pull requests of a database's branch about it."""
    assignment = store.apps.assignment(database.app_id)
    if assignment is None or database.branch is None:
        return []
    pull_requests = store.repositories.open_pull_requests(
        assignment.app.repository_id, branch=database.branch
    )
    return [
        AnswerPullRequest(repository_id=pull.repository_id, number=pull.number)
        for pull in pull_requests
    ]


def corrections(store: Store, database: Database) -> list[Intent]:
    """A job that takes back what the `database` check said on a commit, whoever mended it."""
    app = store.apps.get(database.app_id)
    repository = store.repositories.get(app.repository_id) if app else None
    if app is None or repository is None:
        return []
    head_sha = store.checks.failed_commit(database.id, name=reports.database_check_name(app))
    if head_sha is None:
        return []
    branch = database.branch or repository.default_branch
    return [ReconcileBranch(repository_id=repository.id, branch=branch, head_sha=head_sha)]


def _intend_shadow(services: Services, database: Database) -> Database | None:
    """Record that the shadow is to be made, when `dev` is; None for every other database."""
    shadow = shadow_of(services.store, database)
    if database.state not in {DatabaseState.CREATING, DatabaseState.ERROR}:
        return shadow  # perhaps we died before it was finished
    assignment = services.store.apps.assignment(database.app_id)
    if database.environment is Environment.DEV and assignment is not None:
        shadow = intend_database(services, assignment, Environment.SHADOW)
    if shadow is not None and shadow.state is DatabaseState.READY:
        again = partial(lifecycle.set_up_again, for_person=False, now=services.clock())
        services.store.databases.apply_to(shadow.id, again)
    return shadow


def _provision(services: Services, database: Database) -> None:
    if database.ready_at is None:
        limits.check(services.store, database)
    server, tenant = server_of(services, database), tenant_of(services.store, database)
    if database.is_emptying:
        # Before anything goes: whoever deletes and restores it meanwhile must not miss it.
        services.store.databases.apply(database, lifecycle.emptying)
        server.clear(tenant)
        if database.environment.shares_data_role and database.data_role is None:
            # An earlier version made it. Not before: its login owns what stood there.
            new = names.data_role(database.app_id, services.new_token())
            database = services.store.databases.share(database, new)
            tenant = tenant_of(services.store, database)
        parent = templates.parent_afresh(services.store, database)
        emptied = partial(lifecycle.emptied, parent=parent.id if parent else None)
        database = services.store.databases.apply(database, emptied) or database
    elif database.is_made:
        # Nothing is made in its stead. A lost mark is set again when a person wants that (Fix).
        server.need(tenant, may_lack_mark=database.state is DatabaseState.CREATING)
    if database.is_made:
        server.provision(tenant, password=password_of(services, database))
    else:
        _make(services, database, tenant)


def _make(services: Services, database: Database, tenant: TenantDatabase) -> None:
    """Make it as a clone of its template, or of the current one where that is gone, or empty."""
    server, password = server_of(services, database), password_of(services, database)
    template = templates.parent_of(services, database)
    try:
        server.provision(replace(tenant, template=template), password=password)
    except ProvisioningFailed as error:
        if error.code != TEMPLATE_MISSING:
            raise
        template = templates.give_up(services, database)
        server.clear(tenant)
        server.provision(replace(tenant, template=template), password=password)
    templates.inherit_seed(services.store, database)


def measurement(database: Database) -> MeasureInstance:
    """So that people see its size soon; put off, so that one look does for many databases."""
    return MeasureInstance(instance_id=database.instance_id, delay_seconds=_MEASURED_AFTER_SECONDS)


def failed(services: Services, database: Database, error: CoppiceError) -> None:
    """Set the state `error`, with what a person can do; the next reconcile tries to mend it."""
    event = partial(
        lifecycle.failed,
        reason=f"{error} {error.advice}",
        reason_code=error.code,
        now=services.clock(),
    )
    services.store.databases.apply(database, event, then=answers(services.store, database))
