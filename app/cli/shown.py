"""What commands show of servers, apps, databases and tokens, here and over the API alike."""

from collections.abc import Sequence
from dataclasses import asdict

from app.cli.output import Row
from app.core import connections
from app.core.databases import Database
from app.core.findings import acknowledged, by_whom
from app.core.instances import Instance
from app.core.tokens import Token
from app.operations.administration import acknowledgements
from app.operations.administration.assigned import Assigned
from app.operations.administration.database_overviews import KnownDatabase, known
from app.operations.administration.instance_overviews import InstanceOverview
from app.operations.administration.limits import described
from app.operations.services import Services


def instance_row(one: InstanceOverview) -> Row:
    public = one.instance.public_address
    return {
        "name": one.instance.name,
        "status": one.status.value,
        "kind": one.instance.kind.value,
        "address": f"{public.host}:{public.port}",
        "apps": list(one.app_ids),
        "databases": len(one.databases),
        "problem": one.problem,
    }


def instance_record(one: InstanceOverview) -> Row:
    instance, pooler = one.instance, one.instance.pooler_address
    return {
        **instance_row(one),
        "admin_address": f"{instance.admin.address.host}:{instance.admin.address.port}",
        "admin_user": instance.admin.user,
        "host": one.host.name if one.host else None,
        "sslmode": instance.public_address.sslmode,
        "own_ca": instance.public_address.ca_certificate is not None,
        "pooler": f"{pooler.host}:{pooler.port}" if pooler else None,
        "pooler_knows_job_logins": instance.pooler_knows_job_logins,
        "plain_passwords": instance.has_plain_passwords,
        "limits": described(one.limits),
        "connections": connections.described(one.limits.connections, room=one.room),
        "over_limit": one.over_limit,
        "owner": one.owner,
        "databases": [f"{database.name} ({database.state})" for database in one.databases],
    }


def findings_of(services: Services, instance: Instance) -> Row:
    """What was found on its server, and what was tried there last."""
    accepted = services.acknowledgements.of_instance(instance.id)
    trial = services.measurements.trial_of(instance.id)
    found = [
        (one, acknowledged(one, accepted)) for one in acknowledgements.known(services, instance)
    ]
    return {
        "findings": [f"{one.code}: {one.message}" for one, known in found if known is None],
        "acknowledged": [
            f"{one.code} ({by_whom(known)}): {one.message}" for one, known in found if known
        ],
        "tried_at": trial.tried_at if trial else None,
        "tried": [f"{one.words}: {one.outcome}" for one in trial.steps] if trial else [],
    }


def app_row(services: Services, assigned: Assigned) -> Row:
    assignment = assigned.assignment
    databases = services.databases.all(app_id=assignment.app.id)
    return {
        "app": assignment.app.id,
        "repository": assigned.repository.full_name,
        "instance": assigned.instance.name,
        "migration_command": assignment.migration_command or None,
        "seed_command": assignment.policies.seed_command or None,
        "databases": len([one for one in databases if one.is_live]),
        "installation": assigned.repository.installation_state.value,
    }


def database_rows(services: Services, databases: Sequence[Database]) -> list[Row]:
    return [_database_row(one) for one in known(services, databases)]


def app_record(services: Services, assigned: Assigned) -> Row:
    policies = asdict(assigned.assignment.policies)
    return {
        **app_row(services, assigned),
        "default_branch": assigned.repository.default_branch,
        **{name: None if value == "" else value for name, value in policies.items()},
    }


def database_row(services: Services, database: Database) -> Row:
    [row] = database_rows(services, [database])
    return row


def database_record(services: Services, database: Database) -> Row:
    [one] = known(services, [database])
    remembered = services.seeds.of(database)
    return {
        **_database_row(one),
        "login": database.login_role,
        "reason": database.reason,
        "reason_code": database.reason_code,
        "generation": database.generation,
        "last_migration_commit": one.last.head_sha if one.last else None,
        "last_migration_at": one.last.at if one.last else None,
        "last_migration_url": one.run_url,
        "migrated_commit": database.migrated_sha,
        "migrated_at": database.migrated_at,
        "created_at": database.created_at,
        "ready_at": database.ready_at,
        "seeded_at": remembered.seeded_at if remembered else None,
        "seed_is_owed": remembered is not None and remembered.is_owed,
        "kept_until": database.drop_after,
    }


def token_row(token: Token) -> Row:
    return {
        "token": token.id,
        "name": token.name,
        "kind": token.kind.value,
        "maker": token.maker,
        "app": token.app_id,
        "read_only": token.is_read_only,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def _database_row(one: KnownDatabase) -> Row:
    database = one.database
    return {
        "name": database.name,
        "app": database.app_id,
        "repository": one.repository_name,
        "environment": database.environment.value,
        "branch": database.branch,
        "state": database.state.value,
        "instance": one.instance_name,
        "last_migration": one.last.word if one.last else None,
        "migrated": database.migrated_sha[:12] if database.migrated_sha else None,
        "kept_until": database.drop_after,
        "size_bytes": one.size_bytes,
        "over_limit": one.over_limit,
    }
