"""Tasks of the talk below pull requests: unpack, call one operation."""

from procrastinate import JobContext

from app.core.identifiers import CommentId, PullRequestNumber, RepositoryId
from app.core.queues import COMMENTS, GITHUB
from app.jobs.queue import app
from app.jobs.tasks import RETRY, services_of
from app.operations.pull_requests import commands, replies, summaries


@app.task(name="commands:run", queue=GITHUB, retry=RETRY, pass_context=True)
def run_command(context: JobContext, *, repository_id: int, number: int, comment_id: int) -> None:
    commands.run_command(services_of(context), CommentId(comment_id))


@app.task(name="replies:post", queue=COMMENTS, retry=RETRY, pass_context=True)
def post_reply(context: JobContext, *, repository_id: int, number: int, comment_id: int) -> None:
    replies.post_reply(services_of(context), CommentId(comment_id))


@app.task(name="summaries:post", queue=COMMENTS, retry=RETRY, pass_context=True)
def post_summary(context: JobContext, *, repository_id: int, number: int) -> None:
    summaries.post_summary(
        services_of(context), RepositoryId(repository_id), PullRequestNumber(number)
    )
