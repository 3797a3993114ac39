"""Apps, databases and tokens of a service elsewhere, with the permissions of who logged in."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from app.cli.desk import Found, Given, LocalWork, Made, Target
from app.cli.output import Row
from app.cli.remarks import remark_on_new_dev
from app.cli.remote.client import Client
from app.cli.remote.logins import folder
from app.cli.remote.rows import app_record, app_row, database_record, database_row, token_row
from app.core.audit import Action
from app.core.environments import Environment
from app.core.errors import Conflict, CoppiceError, Invalid, NotFound
from app.core.seeding import LocalSeed

# A worker does what takes time: as long as the Action waits for it.
_PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.5
# The only ones that become part of a process or of a script for `eval`: a service is not trusted
# to run what it likes on the machine of who logged in. In the order of a service here.
_VARIABLES = (
    "PGHOST",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGSSLMODE",
    "DATABASE_URL",
    "COPPICE_ENVIRONMENT",
    "COPPICE_DATABASE",
    "COPPICE_ROLE",
    "DATABASE_URL_POOLED",
    "PRISMA_ACCELERATE_URL",
    "SHADOW_DATABASE_URL",
)


class RemoteDesk:
    """The `Desk` of a service: asks over its API, and waits for what its worker does."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def apps(self) -> Sequence[Row]:
        return [app_row(one) for one in self._client.get("/apps")["items"]]

    def app(self, name: str, *, app_id: str | None) -> Row:
        return app_record(self._app(Target(name=name, app_id=app_id)))

    def databases(self, repository: str | None) -> Sequence[Row]:
        found = list(self._client.items("/databases", repository=repository))
        if repository is not None and not found:
            self._app(Target(name=repository))  # raises NotFound for a name that nobody knows
        return [database_row(one) for one in found]

    def find(self, target: Target) -> Found:
        if target.is_repository:
            target.check_place()
            one = self._of_app(self._app(target), target)
        else:
            one = next(self._client.items("/databases", name=target.name), None)
        if one is None:
            raise NotFound(
                f"There is no database of {target.name} that you can see and that is called so.",
                advice="`coppice databases list` shows what there is.",
            )
        record = database_record(self._client.get(f"/databases/{one['id']}"))
        return Found(id=one["id"], name=one["name"], record=record)

    def create(self, target: Target) -> Made:
        made = self._client.post(
            f"/apps/{self._app(target)['id']}/databases",
            environment=target.environment,
            branch=target.branch,
        )
        ready = self._wait(made, after=("creating", "deleted"))
        return Made(name=str(ready["name"]), is_restored=made["state"] == "deleted")

    def fix(self, found: Found) -> None:
        self._wait(self._client.post(f"/databases/{found.id}/fix"))

    def reset(self, found: Found) -> None:
        self._wait(self._client.post(f"/databases/{found.id}/reset"))

    def seed(self, found: Found) -> None:
        self._client.post(f"/databases/{found.id}/seed")

    def restore(self, found: Found) -> None:
        self._wait(self._client.post(f"/databases/{found.id}/restore"), after=("deleted",))

    def delete(self, found: Found) -> Row:
        return database_row(self._client.delete(f"/databases/{found.id}"))

    def drop(self, found: Found) -> None:
        dropped = self._client.delete(f"/databases/{found.id}", now="true")
        try:
            self._wait(dropped, after=("deleted",))
        except CoppiceError as error:
            if error.code != NotFound.code:
                raise

    def set_accelerate_url(self, found: Found, url: str | None) -> None:
        self._client.patch(f"/databases/{found.id}", accelerate_url=url or "")

    def login(self, target: Target, *, purpose: Action) -> Given:
        """The service notes in its audit trail that it showed credentials, whatever for."""
        app = self._app(target)
        database = self._of_app(app, target)
        is_dev = target.branch is None and target.environment in (None, Environment.DEV)
        if database is None and is_dev:
            database = self._wait(self._client.post(f"/apps/{app['id']}/databases"))
            if purpose != Action.MIGRATE:
                remark_on_new_dev(
                    str(database["name"]), target, has_command=bool(app["migration_command"])
                )
        if database is None:
            what = f"the branch {target.branch}" if target.branch else target.environment
            raise NotFound(
                f"{target.name} has no database for {what}.",
                advice="Push to the branch, or make it with `coppice databases create`.",
            )
        shown = self._client.post(f"/databases/{database['id']}/credentials")
        variables = {
            name: str(shown["variables"][name]) for name in _VARIABLES if name in shown["variables"]
        }
        if shown["ca_certificate"] is not None:
            file = folder() / f"ca-{database['instance']}.pem"
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.write_text(shown["ca_certificate"])
            variables["PGSSLROOTCERT"] = str(file)
        return Given(name=str(database["name"]), variables=variables)

    def local_work(self, target: Target) -> LocalWork:
        given = self.login(target, purpose=Action.MIGRATE)
        app = self._app(target)
        database = self._of_app(app, target)
        if database is None:
            raise Conflict(f"{given.name} was deleted meanwhile.")
        shown = self._client.get(f"/databases/{database['id']}")
        return LocalWork(
            id=shown["id"],
            generation=shown["generation"],
            given=given,
            migration_command=app["migration_command"],
            seed_command=app["policies"]["seed_command"],
            awaits_seed=bool(shown["awaits_seed"]),
            is_elsewhere=True,
        )

    def migrated(self, work: LocalWork, *, seed: LocalSeed) -> None:
        self._client.post(f"/databases/{work.id}/migrated", generation=work.generation, seed=seed)

    def tokens(self) -> Sequence[Row]:
        return [token_row(one) for one in self._client.get("/tokens")["items"]]

    def make_token(
        self, name: str, *, app_id: str | None, is_read_only: bool, days: int | None
    ) -> str:
        made = self._client.post(
            "/tokens", name=name, app=app_id, read_only=is_read_only, days=days
        )
        return str(made["secret"])

    def revoke_token(self, token_id: int) -> None:
        self._client.delete(f"/tokens/{token_id}")

    def _app(self, target: Target) -> Mapping[str, Any]:
        if target.is_repository:
            found = self._client.get("/apps", repository=target.name)["items"]
        else:
            found = [self._client.get(f"/apps/{target.name}")]
        if target.app_id is not None:
            found = [one for one in found if one["id"] == target.app_id]
        if not found:
            raise NotFound(
                f"There is no app of {target.name} that you can see.",
                advice="`coppice apps list` shows what there is.",
            )
        if len(found) > 1:
            names = ", ".join(one["id"] for one in found)
            raise Invalid(
                f"{target.name} has several apps: {names}.", advice="Say which one with --app-id."
            )
        app: Mapping[str, Any] = found[0]
        return app

    def _of_app(self, app: Mapping[str, Any], target: Target) -> dict[str, Any] | None:
        environment = target.environment
        if target.branch is not None:
            if environment not in (None, Environment.BRANCH):
                raise Invalid("--branch and --environment exclude each other.")
            if target.branch == app["default_branch"]:
                raise Invalid(
                    f"{target.branch} is the default branch: its database is production.",
                    advice="Say --environment production if that is what you mean.",
                )
            environment = Environment.BRANCH
        found = self._client.items(
            "/databases",
            app=app["id"],
            environment=environment or Environment.DEV,
            branch=target.branch,
        )
        return next((one for one in found if one["is_live"]), None)

    def _wait(
        self, database: dict[str, Any], *, after: tuple[str, ...] = ("creating",)
    ) -> dict[str, Any]:
        """Ask until a worker has got it out of these states; raises what went wrong."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while database["state"] in after:
            if time.monotonic() > deadline:
                raise Conflict(
                    f"{database['name']} is still {database['state']}.",
                    advice="The service's worker goes on; `coppice databases show` looks again.",
                )
            time.sleep(_POLL_SECONDS)
            database = self._client.get(f"/databases/{database['id']}")
        if database["state"] != "ready":
            reason = f": {database['reason']}" if database["reason"] else "."
            raise Conflict(
                f"{database['name']} is {database['state']}{reason}",
                advice="`coppice databases fix` tries it again.",
            )
        return database
