"""Apps, databases and tokens of the service on this machine, as its operator."""

from collections.abc import Sequence
from types import ModuleType

from app.cli import shown
from app.cli.desk import Found, Given, LocalWork, Made, Target
from app.cli.output import Row, remark
from app.cli.remarks import remark_on_new_dev
from app.cli.session import Session
from app.core.audit import Action
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import CoppiceError, NotFound, ServerUnreachable
from app.core.identifiers import AppId, DatabaseId, TokenId
from app.core.instances import Instance
from app.core.seeding import LocalSeed
from app.machine.data_dir import DataDir
from app.operations.administration import assignments, databases, elsewhere, local_work, tokens
from app.operations.administration.assigned import Assigned, all_described
from app.operations.administration.databases import Place
from app.operations.administration.tokens import TokenRequest
from app.operations.databases import elsewhere as machine
from app.operations.runs.credentials import variables


class LocalDesk:
    """The `Desk` of an open session: done here and now, no worker needed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._services = session.services

    def apps(self) -> Sequence[Row]:
        found = all_described(self._services, self._services.apps.assignments())
        return [shown.app_row(self._services, one) for one in found]

    def app(self, name: str, *, app_id: str | None) -> Row:
        assigned = assignments.find(self._services, name, app_id=app_id)
        return shown.app_record(self._services, assigned)

    def databases(self, repository: str | None) -> Sequence[Row]:
        found = self._services.databases.all()
        if repository is not None:
            wanted = assignments.app_ids(self._services, repository)
            found = [one for one in found if one.app_id in wanted]
        return shown.database_rows(self._services, found)

    def find(self, target: Target) -> Found:
        database = self._find(target)
        record = shown.database_record(self._services, database)
        return Found(id=database.id, name=database.name, record=record)

    def create(self, target: Target) -> Made:
        assigned, where = self._place(target)
        before = self._services.databases.live(
            assigned.assignment.app.id, where.environment, where.branch
        )
        made = self._verbs(assigned.instance).create(self._services, assigned, where)
        # By number: a fresh one may have taken its place meanwhile.
        is_restored = (
            before is not None and before.state is DatabaseState.DELETED and before.id == made.id
        )
        return Made(name=made.name, is_restored=is_restored)

    def fix(self, found: Found) -> None:
        self._do(found).fix(self._services, self._get(found))

    def reset(self, found: Found) -> None:
        self._do(found).reset(self._services, self._get(found))

    def seed(self, found: Found) -> None:
        databases.seed(self._services, self._get(found))

    def restore(self, found: Found) -> None:
        self._do(found).restore(self._services, self._get(found))

    def delete(self, found: Found) -> Row:
        try:
            self._do(found).delete(self._services, self._get(found))
            is_away = self._is_silent(found)
        except ServerUnreachable:
            is_away = True
            if self._get(found).state is not DatabaseState.DELETED:
                raise
        if is_away:
            remark(
                f"Its server does not answer: {found.name} is closed, and all sessions there are"
                " ended, as soon as it does."
            )
        return shown.database_row(self._services, self._get(found))

    def _is_silent(self, found: Found) -> bool:
        instance = self._services.instances.get(self._get(found).instance_id)
        return machine.silent(self._services, instance) is not None

    def drop(self, found: Found) -> None:
        self._do(found).drop(self._services, self._get(found))

    def set_accelerate_url(self, found: Found, url: str | None) -> None:
        databases.set_accelerate_url(self._services, self._get(found), url)

    def login(self, target: Target, *, purpose: Action) -> Given:
        assigned, where = self._place(target)
        database = self._find_or_make(target, assigned, where, purpose=purpose)
        login = databases.login(self._services, database, purpose=purpose)
        found = variables(login)
        if purpose != Action.PSQL:
            found |= self._shadow_variables(database, purpose)
        ca_certificate = login.instance.public_address.ca_certificate
        if ca_certificate is not None:
            folder = DataDir(path=self._session.config.data_dir).path
            file = folder / f"ca-{login.instance.name}.pem"
            file.write_text(ca_certificate)
            found["PGSSLROOTCERT"] = str(file)
        return Given(name=database.name, variables=found)

    def local_work(self, target: Target) -> LocalWork:
        given = self.login(target, purpose=Action.MIGRATE)
        assigned, where = self._place(target)
        database = databases.find(self._services, assigned, where)
        return LocalWork(
            id=database.id,
            generation=database.generation,
            given=given,
            migration_command=assigned.assignment.migration_command,
            seed_command=assigned.assignment.policies.seed_command,
            awaits_seed=local_work.awaits_seed(self._services, database),
            is_elsewhere=False,
        )

    def migrated(self, work: LocalWork, *, seed: LocalSeed) -> None:
        database = self._services.databases.get(DatabaseId(work.id))
        local_work.migrated(self._services, database, generation=work.generation, seed=seed)

    def tokens(self) -> Sequence[Row]:
        return [shown.token_row(token) for token in tokens.visible(self._services)]

    def make_token(
        self, name: str, *, app_id: str | None, is_read_only: bool, days: int | None
    ) -> str:
        request = TokenRequest(
            name=name,
            app_id=AppId(app_id) if app_id else None,
            is_read_only=is_read_only,
            days=days,
        )
        _, secret = tokens.make(self._services, request)
        return secret

    def revoke_token(self, token_id: int) -> None:
        tokens.revoke(self._services, TokenId(token_id))

    def _find(self, target: Target) -> Database:
        if not target.is_repository:
            for database in self._services.databases.all():
                if database.name == target.name:
                    return database
            raise NotFound(
                f"There is no database named {target.name}.",
                advice="`coppice databases list` shows all; a repository is written OWNER/REPO.",
            )
        # First whether there is such a repository: no --branch helps with one that is misspelt.
        assignments.find(self._services, target.name, app_id=target.app_id)
        target.check_place()
        assigned, where = self._place(target)
        return databases.find(self._services, assigned, where)

    def _find_or_make(
        self, target: Target, assigned: Assigned, where: Place, *, purpose: Action
    ) -> Database:
        try:
            return databases.find(self._services, assigned, where)
        except NotFound:
            if where.environment is not Environment.DEV:
                raise
        verbs = self._verbs(assigned.instance)
        database: Database = verbs.create(self._services, assigned, where)
        if purpose != Action.MIGRATE:
            remark_on_new_dev(
                database.name,
                target,
                has_command=bool(assigned.assignment.migration_command),
                last_command=local_work.last_command(self._services, database.app_id),
            )
        return database

    def _shadow_variables(self, database: Database, purpose: Action) -> dict[str, str]:
        """What is wrong with the shadow keeps nobody from the database itself."""
        try:
            return local_work.shadow_variables(self._services, database, purpose=purpose)
        except CoppiceError as error:
            remark(f"There is no SHADOW_DATABASE_URL: {error} {error.advice}")
            return {}

    def _place(self, target: Target) -> tuple[Assigned, Place]:
        assigned = assignments.find(self._services, target.name, app_id=target.app_id)
        return assigned, databases.place(
            assigned, branch=target.branch, environment=target.environment
        )

    def _do(self, found: Found) -> ModuleType:
        instance_id = self._get(found).instance_id
        return self._verbs(self._services.instances.get(instance_id))

    def _verbs(self, instance: Instance) -> ModuleType:
        """How it is done: here, or by the machine that the server stands on."""
        return databases if self._services.hosts.is_here(instance) else elsewhere

    def _get(self, found: Found) -> Database:
        return self._services.databases.get(DatabaseId(found.id))
