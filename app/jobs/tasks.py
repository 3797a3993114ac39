"""Tasks that make and end databases: unpack, call one operation."""

import structlog
from procrastinate import JobContext

from app.core.errors import CoppiceError
from app.core.hosts import NotHere
from app.core.identifiers import (
    BranchName,
    CommitSha,
    DatabaseId,
    InstallationId,
    InstanceId,
    JobLoginId,
    RepositoryId,
    RunId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.queues import DATABASES
from app.jobs.queue import app
from app.jobs.retry import RetryTransient
from app.operations.administration import deletions
from app.operations.databases import (
    branches,
    installations,
    limits,
    measuring,
    provisioning,
    reconciliation,
    retention,
    rotation,
    standing,
    strays,
)
from app.operations.runs import forwarding, reaper
from app.operations.services import Services

log = structlog.get_logger()

RETRY = RetryTransient()
# Steps back behind fresh work of others; nothing here depends on the order of jobs.
RETRY_BEHIND = RetryTransient(priority=-5)
# Whoever asked asks again: only the machine that can do it has to be found.
RETRY_HANDED_ON = RetryTransient(on=NotHere)
# Whoever was shut out must not stay inside because the server was away for long.
RETRY_FOR_EVER = RetryTransient(gives_up=False, priority=0)
# The same whatever the server says, for it is asked for as long as it is not done.
RETRY_ENDING = RetryTransient(gives_up=False, priority=0, on=CoppiceError, longest_seconds=60)


def services_of(context: JobContext) -> Services:
    """What the worker was started with."""
    services: Services = context.additional_context["services"]
    return services


@app.task(name="branches:reconcile", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def reconcile_branch(
    context: JobContext, *, repository_id: int, branch: str, head_sha: str | None
) -> None:
    branches.reconcile_branch(
        services_of(context),
        repository_id=RepositoryId(repository_id),
        branch=BranchName(branch),
        head_sha=CommitSha(head_sha) if head_sha else None,
    )


@app.task(name="repositories:reconcile", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def reconcile_repository(context: JobContext, *, repository_id: int) -> None:
    reconciliation.reconcile_repository(services_of(context), RepositoryId(repository_id))


@app.task(name="installations:reconcile", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def reconcile_installation(context: JobContext, *, installation_id: int) -> None:
    installations.reconcile_installation(services_of(context), InstallationId(installation_id))


@app.task(name="databases:ensure", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def ensure_database(context: JobContext, *, database_id: int) -> None:
    provisioning.ensure_database(services_of(context), DatabaseId(database_id))


@app.task(name="databases:rebuild", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def rebuild_database(context: JobContext, *, database_id: int, generation: int) -> None:
    provisioning.rebuild_database(
        services_of(context), DatabaseId(database_id), generation=generation
    )


@app.task(name="databases:drop", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def drop_database(context: JobContext, *, database_id: int, is_by_hand: bool = False) -> None:
    retention.drop_database(services_of(context), DatabaseId(database_id), is_by_hand=is_by_hand)


@app.task(name="databases:restore", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def restore_database(context: JobContext, *, database_id: int) -> None:
    retention.restore_database(services_of(context), DatabaseId(database_id))


@app.task(name="databases:seal", queue=DATABASES, retry=RETRY_FOR_EVER, pass_context=True)
def seal_database(context: JobContext, *, database_id: int) -> None:
    retention.seal_database(services_of(context), DatabaseId(database_id))


@app.task(name="databases:rotate_password", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def rotate_password(context: JobContext, *, database_id: int) -> None:
    rotation.rotate_password(services_of(context), DatabaseId(database_id))


@app.task(name="instances:limit", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def apply_limits(context: JobContext, *, instance_id: int) -> None:
    limits.apply(services_of(context), InstanceId(instance_id))


@app.task(name="instances:measure", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def measure_instance(context: JobContext, *, instance_id: int) -> None:
    measuring.measure_instance(services_of(context), InstanceId(instance_id))


@app.task(name="instances:compare", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def compare_instance(context: JobContext, *, instance_id: int) -> None:
    for found in standing.compare_instance(services_of(context), InstanceId(instance_id)):
        log.warning("databases.differs", database=found.database.name, fault=found.fault.value)


@app.task(name="instances:flag_strays", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def flag_strays(context: JobContext, *, instance_id: int) -> None:
    for stray in strays.of_instance(services_of(context), InstanceId(instance_id)):
        log.warning("databases.unknown", instance=stray.instance, database=stray.name)


@app.task(name="instances:delete", queue=DATABASES, retry=RETRY, pass_context=True)
def delete_instance(context: JobContext, *, instance_id: int) -> None:
    services = services_of(context)
    instance = services.instances.get(InstanceId(instance_id))
    deletions.remove(services, context.additional_context["clusters"], instance)


@app.task(name="logins:open", queue=DATABASES, retry=RETRY_HANDED_ON, pass_context=True)
def open_login(context: JobContext, *, database_id: int, run_id: int | None) -> None:
    forwarding.open_login(
        services_of(context), DatabaseId(database_id), RunId(run_id) if run_id else None
    )


@app.task(name="job_logins:end", queue=DATABASES, retry=RETRY_BEHIND, pass_context=True)
def end_job_logins(
    context: JobContext,
    *,
    repository_id: int,
    workflow_run_id: int,
    workflow_attempt: int,
    workflow_job_id: int | None,
) -> None:
    reaper.end_job_logins(
        services_of(context),
        RepositoryId(repository_id),
        WorkflowRunId(workflow_run_id),
        workflow_attempt=workflow_attempt,
        workflow_job_id=WorkflowJobId(workflow_job_id) if workflow_job_id else None,
    )


@app.task(name="logins:end", queue=DATABASES, retry=RETRY_ENDING, pass_context=True)
def end_login(context: JobContext, *, database_id: int, login_id: int) -> None:
    reaper.end_login(services_of(context), DatabaseId(database_id), JobLoginId(login_id))


@app.task(name="runs:end", queue=DATABASES, retry=RETRY_ENDING, pass_context=True)
def end_run(context: JobContext, *, database_id: int) -> None:
    reaper.end_run(services_of(context), DatabaseId(database_id))
