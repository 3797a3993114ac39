"""A pull request, who comments below it, and what the App says there."""

import secrets
from typing import Any

from app.core.databases import Database
from app.core.identifiers import PullRequestNumber, RepositoryId
from app.core.intents import PostText, summary_of
from app.operations.pull_requests.wording import SUMMARY_MARKER
from demo.github.model import Account, Comment, PullRequest
from tests.integration.lifecycle.world import World
from tests.integration.runs.shop import Shop

BRANCH = "feature/login"
REPLY_MARKER = "<!-- coppice: reply to"


class Talk:
    """Below one pull request of a branch that has a database."""

    def __init__(self, shop: Shop, pull_request: PullRequest) -> None:
        self.shop = shop
        self.github = shop.github
        self.pull_request = pull_request

    @property
    def database(self) -> Database:
        return self.shop.database("branch", self.pull_request.head_branch)

    @property
    def text(self) -> PostText:
        """The job that writes the comment about databases."""
        return summary_of(
            RepositoryId(self.shop.repository.id), PullRequestNumber(self.pull_request.number)
        )

    def person(self, role: str) -> Account:
        """A user with that role in the repository."""
        return self.github.grant(self.shop.repository, f"{role}-person", role)

    def say(self, body: str, role: str = "write") -> Comment:
        """Somebody with that role comments; nothing has happened yet."""
        return self.github.comment(self.pull_request, body, user=self.person(role))

    def command(self, body: str, role: str = "write") -> Comment:
        """The same, and everything that follows."""
        comment = self.say(body, role)
        self.settle()
        return comment

    def settle(self) -> None:
        """Until nothing is left to do; what was put off is done at once."""
        for _ in range(3):
            self.shop.world.settle()
            self.hurry()
        self.shop.world.settle()

    def hurry(self) -> None:
        """Make comments that wait for more to tell due now."""
        self.shop.world.state.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE queue_name = 'comments'"
        )

    def ours(self) -> list[Comment]:
        return [each for each in self.github.comments(self.pull_request) if each.is_by_app]

    def summaries(self) -> list[Comment]:
        return [each for each in self.ours() if SUMMARY_MARKER in each.body]

    def replies(self) -> list[str]:
        return [each.body for each in self.ours() if REPLY_MARKER in each.body]

    def writes(self) -> int:
        """How often the App created or edited a comment here."""
        return sum(each.writes for each in self.ours())

    def migrate(
        self, result: str = "success", *, seed: str | None = None, trace: Any = None
    ) -> None:
        """A run of the Action on the head; with `seed` its seed command ends so."""
        job = self.shop.job(self.pull_request.head_branch).begun(
            environments=["branch"], seed_command="" if seed is None else "make seed"
        )
        job.given("branch")
        ended = {"result": seed, "exit_code": 1, "duration_seconds": 0.5, "log": ""}
        told = {"seed": ended if seed else None, "trace": trace}
        answer = job.report("branch", result, **{name: one for name, one in told.items() if one})
        assert answer.status_code == 200, answer.json
        self.github.complete_run(job.run, result)


def reactions(comment: Comment) -> list[str]:
    return [reaction.content for reaction in comment.reactions]


def open_talk(world: World) -> Talk:
    """Begin one: an app, a branch with its database, and a pull request of it."""
    shop = Shop(world, app_id=secrets.token_hex(5))
    shop.assign_without_shared()
    shop.push(BRANCH)
    pull_request = shop.github.open_pull_request(shop.repository, BRANCH)
    world.settle()
    return Talk(shop, pull_request)
