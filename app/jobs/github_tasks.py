"""Tasks that write to GitHub: unpack, call one operation."""

from typing import Any

from procrastinate import JobContext

from app.core.identifiers import CheckId, CommitSha, PullRequestNumber, RepositoryId
from app.core.queues import GITHUB
from app.jobs.queue import app
from app.jobs.tasks import RETRY, services_of
from app.operations.checks import posting
from app.operations.pull_requests import buttons, commits


@app.task(name="pull_requests:answer", queue=GITHUB, retry=RETRY, pass_context=True)
def answer_pull_request(context: JobContext, *, repository_id: int, number: int) -> None:
    commits.answer_pull_request(
        services_of(context), RepositoryId(repository_id), PullRequestNumber(number)
    )


@app.task(name="commits:answer", queue=GITHUB, retry=RETRY, pass_context=True)
def answer_commit(context: JobContext, *, repository_id: int, head_sha: str) -> None:
    commits.answer_commit(services_of(context), RepositoryId(repository_id), CommitSha(head_sha))


@app.task(name="buttons:press", queue=GITHUB, retry=RETRY, pass_context=True)
def press_button(context: JobContext, /, *, check_id: int, identifier: str, **who: Any) -> None:
    buttons.press_button(
        services_of(context), CheckId(check_id), identifier=identifier, sender=buttons.Sender(**who)
    )


@app.task(name="checks:post", queue=GITHUB, retry=RETRY, pass_context=True)
def post_check(context: JobContext, *, check_id: int, is_urgent: bool) -> None:
    posting.post_check(services_of(context), CheckId(check_id), is_urgent=is_urgent)
