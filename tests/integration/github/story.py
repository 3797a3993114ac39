"""Everything that can happen at the local GitHub, once, so that every event is sent."""

from dataclasses import replace

from app.core.checks import CheckAction, CheckContent, Conclusion
from app.core.identifiers import CheckId, CommentId, CommitSha, PullRequestNumber
from app.github.adapter import RestGitHub
from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub
from tests.integration.github.conftest import known_as


def tell(github: LocalGitHub, adapter: RestGitHub) -> None:
    """The life of a repository from the App's installation to its removal."""
    repository = github.create_repository("acme/shop")
    installation = github.install("acme")
    github.ping()
    _push_and_merge(github, repository)
    _run_workflows(github, repository)
    _talk(github, adapter, repository, installation)
    _press_buttons(github, adapter, repository, installation)
    _administer(github, repository, installation)


def _push_and_merge(github: LocalGitHub, repository: Repository) -> None:
    github.push(repository, "main")
    github.push(repository, "topic")
    github.force_push(repository, "topic", github.branch_head(repository, "main") or "")
    opened = github.open_pull_request(repository, "topic")
    github.push(repository, "topic")
    fork = github.fork(repository, owner=github.user("mallory"))
    github.push(fork, "fix")
    github.open_pull_request(repository, "fix", head_repository=fork)
    github.push(fork, "fix")
    github.queue_merge(opened)
    github.close(opened, merged=True)
    github.reopen(opened)


def _run_workflows(github: LocalGitHub, repository: Repository) -> None:
    opened = github.open_pull_request(repository, "topic")
    run = github.start_run(repository, event="pull_request", pull_request=opened)
    github.complete_run(run, "failure")
    github.rerun(run)
    github.complete_run(github.start_run(repository, branch="topic"))


def _talk(
    github: LocalGitHub,
    adapter: RestGitHub,
    repository: Repository,
    installation: Installation,
) -> None:
    opened = github.open_pull_request(repository, "topic")
    known, mona = known_as(repository, installation), github.user("mona")
    asked = github.comment(opened, "/db status", user=mona)
    github.edit_comment(asked, "/db help", user=mona)
    adapter.react(known, CommentId(asked.id), "eyes")
    answer = adapter.comment(known, PullRequestNumber(opened.number), "As you say.")
    adapter.publish_comment(
        known, PullRequestNumber(opened.number), "Done.", marker="Done", comment_id=answer
    )
    github.comment(github.open_issue(repository), "Odd indeed.", user=mona)
    github.delete_comment(asked, user=mona)


def _press_buttons(
    github: LocalGitHub,
    adapter: RestGitHub,
    repository: Repository,
    installation: Installation,
) -> None:
    known = known_as(repository, installation)
    head = CommitSha(github.push(repository, "topic"))
    button = CheckAction(label="Fix", description="Try again", identifier="fix")
    going = CheckContent(
        name="database", conclusion=None, title="Going", summary="Going", actions=(button,)
    )
    made = adapter.publish_check(known, head, going, check_id=CheckId(1), github_id=None)
    (shown,) = github.check_runs(repository)
    github.press_button(shown, "fix", user=github.user("mona"))
    github.rerequest(shown, user=github.user("mona"))
    github.rerequest_suite(shown, user=github.user("mona"))
    done = replace(going, conclusion=Conclusion.SUCCESS)
    adapter.publish_check(known, head, done, check_id=CheckId(1), github_id=made)


def _administer(github: LocalGitHub, repository: Repository, installation: Installation) -> None:
    github.rename_branch(repository, "topic", "subject")
    github.delete_branch(repository, "subject")
    github.create_branch(repository, "trunk")
    github.change_default_branch(repository, "trunk")
    github.rename(repository, "store")
    github.archive(repository)
    github.archive(repository, archived=False)
    github.change_visibility(repository, private=False)
    github.change_visibility(repository, private=True)
    tool = github.create_repository("hubot/tool", organization=False)
    github.transfer(tool, repository.owner)
    github.suspend(installation)
    github.unsuspend(installation)
    github.remove_repository(installation, repository)
    github.add_repository(installation, repository)
    github.delete_repository(repository)
    github.uninstall(installation)
