"""Which operation each job calls; one function runs them all."""

from collections.abc import Callable
from typing import Any, TypedDict, TypeVar, cast

import structlog
from procrastinate import JobContext

from app.core import intents
from app.jobs.queue import app
from app.jobs.retry import RetryTransient
from app.operations import outbox
from app.operations.administration import deletions
from app.operations.administration.instance_requests import Clusters
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
from app.operations.pull_requests import buttons, commands, commits
from app.operations.runs import forwarding, reaper, templates
from app.operations.services import Services

log = structlog.get_logger()

T = TypeVar("T", bound=intents.Intent)


class Tools(TypedDict):
    """What jobs get of the process that does them."""

    services: Services
    clusters: Clusters


def tools_of(context: JobContext) -> Tools:
    """What the worker was started with."""
    return cast(Tools, context.additional_context)


def services_of(context: JobContext) -> Services:
    return tools_of(context)["services"]


def _with_context(kind: type[T], handle: Callable[[JobContext, T], object]) -> None:
    """Register the task that makes the arguments of a job its intent again, and handles that."""

    @app.task(name=kind.name, retry=RetryTransient(kind.retry), pass_context=True)
    def run(context: JobContext, /, **arguments: Any) -> None:
        handle(context, kind(**arguments))


def _on(kind: type[T], handle: Callable[[Services, T], object]) -> None:
    _with_context(kind, lambda context, job: handle(services_of(context), job))


def _compare_instance(services: Services, job: intents.CompareInstance) -> None:
    for found in standing.compare_instance(services, job.instance_id):
        log.warning("databases.differs", database=found.database.name, fault=found.fault.value)


def _flag_strays(services: Services, job: intents.FlagStrays) -> None:
    for stray in strays.of_instance(services, job.instance_id):
        log.warning("databases.unknown", instance=stray.instance, database=stray.name)


def _delete_instance(context: JobContext, job: intents.DeleteInstance) -> None:
    services = services_of(context)
    instance = services.store.instances.get(job.instance_id)
    deletions.remove(services.store, tools_of(context)["clusters"], instance)


# The table; `s` are the services.
_on(
    intents.ReconcileBranch,
    lambda s, job: branches.reconcile_branch(
        s, repository_id=job.repository_id, branch=job.branch, head_sha=job.head_sha
    ),
)
_on(
    intents.ReconcileRepository,
    lambda s, job: reconciliation.reconcile_repository(s, job.repository_id),
)
_on(
    intents.ReconcileInstallation,
    lambda s, job: installations.reconcile_installation(s, job.installation_id),
)
_on(intents.EnsureDatabase, lambda s, job: provisioning.ensure_database(s, job.database_id))
_on(
    intents.RebuildDatabase,
    lambda s, job: provisioning.rebuild_database(s, job.database_id, generation=job.generation),
)
_on(
    intents.DropDatabase,
    lambda s, job: retention.drop_database(s, job.database_id, is_by_hand=job.is_by_hand),
)
_on(intents.RestoreDatabase, lambda s, job: retention.restore_database(s, job.database_id))
_on(intents.SealDatabase, lambda s, job: retention.seal_database(s, job.database_id))
_on(intents.FinishTemplate, lambda s, job: templates.finish(s, job.database_id))
_on(intents.RotatePassword, lambda s, job: rotation.rotate_password(s, job.database_id))
_on(intents.OpenLogin, lambda s, job: forwarding.open_login(s, job.database_id, job.run_id))
_on(
    intents.EndJobLogins,
    lambda s, job: reaper.end_job_logins(
        s,
        job.repository_id,
        job.workflow_run_id,
        workflow_attempt=job.workflow_attempt,
        workflow_job_id=job.workflow_job_id,
    ),
)
_on(intents.EndLogin, lambda s, job: reaper.end_login(s, job.database_id, job.login_id))
_on(intents.EndRun, lambda s, job: reaper.end_run(s, job.database_id))
_on(intents.ApplyLimits, lambda s, job: limits.apply(s, job.instance_id))
_on(intents.MeasureInstance, lambda s, job: measuring.measure_instance(s, job.instance_id))
_on(intents.CompareInstance, _compare_instance)
_on(intents.FlagStrays, _flag_strays)
_with_context(intents.DeleteInstance, _delete_instance)
_on(
    intents.AnswerPullRequest,
    lambda s, job: commits.answer_pull_request(s, job.repository_id, job.number),
)
_on(intents.AnswerCommit, lambda s, job: commits.answer_commit(s, job.repository_id, job.head_sha))
_on(intents.PressButton, buttons.press_button)
_on(intents.PostText, outbox.post_text)
_on(intents.RunCommand, lambda s, job: commands.run_command(s, job.comment_id))


def _on_text(name: str, text: Callable[..., intents.PostText]) -> None:
    """Register a job that the version before queues, as the one that it means now."""

    @app.task(name=name, retry=RetryTransient(intents.PostText.retry), pass_context=True)
    def run(context: JobContext, /, **arguments: Any) -> None:
        services = services_of(context)
        outbox.post_text(services, text(services.store, **arguments))


_on_text("checks:post", lambda store, check_id, is_urgent=True: store.outbox.named(check_id))
_on_text("replies:post", lambda store, **command: intents.reply_to(**command))
_on_text("summaries:post", lambda store, **pull_request: intents.summary_of(**pull_request))
