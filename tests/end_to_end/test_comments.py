"""Talking to the service below a pull request: real processes, and who is obeyed."""

import pytest

from demo.github import faults
from demo.github.model import Account, Comment, PullRequest
from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, Project, wait_for
from tests.end_to_end.tools import TOOLS

DBMATE = next(tool for tool in TOOLS if tool.name == "dbmate")
PLAN = Plan(files=DBMATE.files, command=DBMATE.command)
SUMMARY = "the databases of this pull request"


class Conversation:
    """A pull request of a migrated branch."""

    def __init__(self, project: Project, branch: str) -> None:
        self.project = project
        self.github = project.site.github
        self.branch = branch
        pushed = project.push(branch)
        assert pushed.outcome.succeeded, pushed.log
        self.pull_request = self.github.open_pull_request(project.repository, branch)

    def person(self, role: str) -> Account:
        return self.github.grant(self.project.repository, f"the-{role}-person", role)

    def say(self, body: str, role: str) -> Comment:
        return self.github.comment(self.pull_request, body, user=self.person(role))

    def ours(self, on: PullRequest | None = None) -> list[Comment]:
        comments = self.github.comments(on or self.pull_request)
        return [comment for comment in comments if comment.is_by_app]

    def reply_to(self, comment: Comment) -> str:
        """The answer, once it is there."""

        def look() -> str | None:
            marker = f"reply to {comment.id} "
            return next((one.body for one in self.ours() if marker in one.body), None)

        return wait_for(look, what=f"answer to {comment.body}")

    def summary(self, *words: str) -> Comment:
        """The comment about the databases, once it says this."""

        def look() -> Comment | None:
            for comment in self.ours():
                if SUMMARY in comment.body and all(word in comment.body for word in words):
                    return comment
            return None

        return wait_for(look, what=f"summary with {words}")

    def await_line_of_branch(self, words: str) -> None:
        """Return when the comment says this of the branch's database; preview has a line too."""

        def look() -> bool | None:
            lines = self.summary().body.splitlines()
            return any("-preview`" not in line and words in line for line in lines) or None

        wait_for(look, what=f"line with {words}")

    def come_to_rest(self) -> None:
        """Return when every command so far is done: they are taken in order."""
        self.reply_to(self.say("/db help", "write"))

    def tables(self) -> set[str]:
        return self.project.tables("--branch", self.branch)


def reactions(comment: Comment) -> list[str]:
    return [reaction.content for reaction in comment.reactions]


@pytest.fixture(scope="module")
def project(new_project: NewProject) -> Project:
    return new_project(PLAN)


@pytest.fixture(scope="module")
def talk(project: Project) -> Conversation:
    return Conversation(project, "feature/login")


def test_a_comment_tells_of_the_databases(talk: Conversation) -> None:
    comment = talk.summary("| ready | [success](", " MB |", "(preview, shared by all branches)")

    assert f"**Databases of `{talk.branch}`**" in comment.body


@pytest.mark.parametrize("role", ["none", "read", "triage"])
def test_people_without_write_hear_nothing(talk: Conversation, role: str) -> None:
    asked = [talk.say(f"/db {verb}", role) for verb in ("reset", "url", "fix", "migrate", "help")]

    talk.come_to_rest()

    assert [reactions(comment) for comment in asked] == [[]] * 5
    assert not any(f"reply to {one.id} " in ours.body for one in asked for ours in talk.ours())
    assert talk.tables() >= {"users", "orders"}


@pytest.mark.parametrize("role", ["write", "maintain", "admin"])
def test_people_who_may_write_are_obeyed(talk: Conversation, role: str) -> None:
    # The comment may still tell of a reset before this one.
    talk.await_line_of_branch("| ready | [success](")
    comment = talk.say("/db reset", role)

    talk.await_line_of_branch("| ready | none since it was emptied: ")
    assert reactions(comment) == ["eyes"]
    assert talk.tables() == set()
    again = talk.project.run(talk.branch)
    assert again.outcome.succeeded, again.log
    assert talk.tables() >= {"users", "orders"}


def test_bots_edits_others_names_and_quotes_are_no_commands(talk: Conversation) -> None:
    github, admin = talk.github, talk.person("admin")
    bot = github.account("helper[bot]", type="Bot")
    talk.project.repository.roles[bot.id] = "admin"
    edited = github.comment(talk.pull_request, "Nice.", user=admin)

    github.edit_comment(edited, "/db reset", user=admin)
    by_bot = github.comment(talk.pull_request, "/db reset", user=bot)
    by_app = github.comment(talk.pull_request, "/db reset", user=admin, is_by_app=True)
    quoted = talk.say("> /db reset", "admin")
    talk.come_to_rest()

    assert [reactions(one) for one in (edited, by_bot, by_app, quoted)] == [[]] * 4
    assert talk.tables() >= {"users", "orders"}


def test_a_permission_withdrawn_while_the_command_waited_counts_no_more(
    talk: Conversation,
) -> None:
    talk.github.faults.plan(faults.server_error(), path="late-writer/permission", times=3)
    late = talk.github.grant(talk.project.repository, "late-writer", "write")
    comment = talk.github.comment(talk.pull_request, "/db reset", user=late)
    # One attempt asks three times; the next comes seconds later.
    wait_for(lambda: None if talk.github.faults.left() else True, what="first attempt")

    talk.github.grant(talk.project.repository, "late-writer", "read")
    talk.come_to_rest()

    assert reactions(comment) == []
    assert talk.tables() >= {"users", "orders"}


def test_a_command_that_is_delivered_twice_is_answered_once(talk: Conversation) -> None:
    comment = talk.say("/db url", "write")
    [delivery] = [
        each
        for each in talk.github.deliveries
        if each.event == "issue_comment" and each.payload["comment"]["id"] == comment.id
    ]

    talk.github.hook.redeliver(delivery)
    talk.github.say_as(comment, sender=comment.author)
    reply = talk.reply_to(comment)
    talk.come_to_rest()

    assert len([one for one in talk.ours() if f"reply to {comment.id} " in one.body]) == 1
    credentials = talk.project.credentials("--branch", talk.branch)
    assert f"PGDATABASE={credentials['PGDATABASE']}" in reply
    assert credentials["PGPASSWORD"] not in reply


def test_migrate_starts_the_job_again(talk: Conversation) -> None:
    github = talk.github
    [run] = [
        each
        for each in github.context.state.workflow_runs.values()
        if each.repository is talk.project.repository and each.head_branch == talk.branch
    ][-1:]

    comment = talk.say("/db migrate", "write")

    wait_for(lambda: run.attempt == 2 or None, what="second attempt")
    assert reactions(comment) == ["eyes"]
    github.complete_run(run)


def test_a_forks_pull_request_gets_a_word_and_nothing_else(talk: Conversation) -> None:
    github, mallory = talk.github, talk.github.user("mallory")
    fork = github.fork(talk.project.repository, owner=mallory)
    github.push(fork, talk.branch)
    forked = github.open_pull_request(
        talk.project.repository, talk.branch, head_repository=fork, author=mallory
    )

    by_author = github.comment(forked, "/db reset", user=mallory)
    by_writer = github.comment(forked, "/db reset", user=talk.person("write"))
    wait_for(lambda: talk.ours(forked) or None, what="answer")

    assert "forks never get a database" in talk.ours(forked)[0].body
    assert (reactions(by_author), reactions(by_writer)) == ([], ["confused"])
    assert talk.tables() >= {"users", "orders"}


def test_the_life_of_a_pull_request_with_a_storm_and_300_comments(project: Project) -> None:
    talk = Conversation(project, "storm")
    first = talk.summary("| ready | [success](")
    for _ in range(20):
        project.site.github.push(project.repository, "storm")
    last = project.run("storm")
    assert last.outcome.succeeded, last.log
    last.check("migrate (branch)")
    for number in range(300):
        talk.github.comment(
            talk.pull_request, f"Opinion {number}", user=talk.github.user("somebody")
        )
    writes_before = first.writes

    talk.github.close(talk.pull_request, merged=True)
    talk.github.delete_branch(project.repository, "storm")
    closed = talk.summary("This pull request is closed")

    assert writes_before == 1
    assert closed is first
    assert [one.writes for one in talk.ours()] == [2]


def test_a_closed_pull_request_is_not_acted_on(project: Project) -> None:
    talk = Conversation(project, "finished")
    talk.github.close(talk.pull_request)

    comment = talk.say("/db reset", "admin")

    assert "closed" in talk.reply_to(comment)
    assert reactions(comment) == ["confused"]
    assert talk.tables() >= {"users", "orders"}
