"""Repositories, their branches and commits, and what people do with a branch."""

from flask import Blueprint, request

from demo.github.context import Context
from demo.github.loose import Commit
from demo.github.model import PullRequest, Repository
from demo.github.pages import checks, people, places
from demo.github.pages.frame import missing, refusal, show
from demo.github.pages.guard import PREFIX, back_to, repository_page
from demo.github.rest.guard import Answer, context

blueprint = Blueprint("repository_pages", __name__, url_prefix=PREFIX)


@blueprint.get("/")
@blueprint.get("/<owner>")
def listed(owner: str = "") -> Answer:
    """All repositories, or those of an account."""
    found = context()
    with found.state.lock:
        shown = [
            each
            for each in found.state.repositories.values()
            if owner.casefold() in ("", each.owner.login.casefold())
        ]
        if owner and not shown and found.state.account(owner) is None:
            return missing()
        return show("repositories.html", owner or "Repositories", repositories=shown)


@blueprint.get("/<owner>/<repo>")
@repository_page
def repository(found: Context, repository: Repository) -> Answer:
    return show(
        "repository.html",
        repository.full_name,
        repository=repository,
        branches=repository.git.branches(),
        pulls=[
            each for each in reversed(found.state.pull_requests.values()) if each.base is repository
        ],
        people=people.of(found, repository),
    )


@blueprint.get("/<owner>/<repo>/tree/<path:branch>")
@repository_page
def branch(found: Context, repository: Repository, branch: str) -> Answer:
    """The branch's head, with its checks, and what can be done with the branch."""
    sha = repository.git.head(branch)
    if sha is None:
        return missing()
    return _commit_page(found, repository, repository.git.show(sha), branch=branch)


@blueprint.get("/<owner>/<repo>/commit/<sha>")
@repository_page
def commit(found: Context, repository: Repository, sha: str) -> Answer:
    if not repository.git.knows(sha):
        return missing()
    return _commit_page(found, repository, repository.git.show(sha))


@blueprint.post("/<owner>/<repo>/pulls")
@repository_page
def open_pull_request(found: Context, repository: Repository) -> Answer:
    author = people.chosen(found, repository)
    branch = request.form.get("branch", "")
    if branch == repository.default_branch or repository.git.head(branch) is None:
        return refusal(f"There is nothing to merge from {branch!r}.", status=422)
    if any(each.is_open for each in _pulls_of(found, repository, branch)):
        return refusal(f"A pull request already exists for {branch!r}.", status=422)
    opened = people.Everything(found).open_pull_request(repository, branch, author=author)
    return back_to(places.of(repository, "pull", opened.number))


@blueprint.post("/<owner>/<repo>/branches/delete")
@repository_page
def delete_branch(found: Context, repository: Repository) -> Answer:
    sender = people.chosen(found, repository, at_least="write")
    branch = request.form.get("branch", "")
    if branch == repository.default_branch:
        return refusal("The default branch cannot be deleted.", status=422)
    if repository.git.head(branch) is None:
        return missing()
    people.Everything(found).delete_branch(repository, branch, sender=sender)
    return back_to(places.of(repository))


def _commit_page(
    found: Context, repository: Repository, commit: Commit, *, branch: str | None = None
) -> Answer:
    return show(
        "commit.html",
        branch or f"Commit {commit.sha[:7]}",
        repository=repository,
        commit=commit,
        branch=branch,
        heads=[name for name, sha in repository.git.branches().items() if sha == commit.sha],
        pulls=_pulls_of(found, repository, branch) if branch else [],
        checks=checks.latest(found, repository, commit.sha),
        people=people.of(found, repository),
        writers=people.of(found, repository, at_least="write"),
    )


def _pulls_of(found: Context, repository: Repository, branch: str) -> list[PullRequest]:
    return [
        each
        for each in found.state.pull_requests.values()
        if each.head is repository and each.base is repository and each.head_branch == branch
    ]
