"""Repositories, branches, comparisons, permissions, pull requests."""

from urllib.parse import quote

from flask import Blueprint, jsonify, redirect, request

from demo.github import access
from demo.github.context import Context
from demo.github.differences import differences
from demo.github.model import Json, PullRequest, Repository, Token
from demo.github.objects import accounts, pull_requests, repositories
from demo.github.rest.answers import not_found, page
from demo.github.rest.guard import Answer, installation_endpoint, repository_endpoint

blueprint = Blueprint("repositories", __name__)

_MOST_FILES = 300
_LEGACY_PERMISSIONS = {"maintain": "write", "triage": "read"}
"""`permission` knows four words only; `role_name` has the true one."""


@blueprint.get("/installation/repositories")
@installation_endpoint
def installation_repositories(context: Context, token: Token) -> Answer:
    seen = access.visible(token, context.state.repositories.values())
    return page(
        seen,
        lambda each: repositories.repository(each, context.url),
        key="repositories",
        public_url=context.url,
    )


@blueprint.get("/repos/<owner>/<repo>")
@repository_endpoint("metadata")
def repository(context: Context, repository: Repository) -> Answer:
    return jsonify(repositories.full_repository(repository, context.url))


@blueprint.get("/repos/<owner>/<repo>/branches")
@repository_endpoint("contents")
def branches(context: Context, repository: Repository) -> Answer:
    wanted = request.args.get("protected")
    found = [
        (name, sha)
        for name, sha in repository.git.branches().items()
        if wanted is None or (name in repository.protected_branches) is (wanted == "true")
    ]
    return page(
        found,
        lambda each: repositories.branch_summary(
            repository, name=each[0], sha=each[1], url=context.url
        ),
        public_url=context.url,
    )


@blueprint.get("/repos/<owner>/<repo>/branches/<path:branch>")
@repository_endpoint("contents")
def branch(context: Context, repository: Repository, branch: str) -> Answer:
    sha = repository.git.head(branch)
    if sha is None:
        return _renamed_branch(context, repository, branch)
    head = repository.git.show(sha)
    return jsonify(repositories.branch(repository, name=branch, head=head, url=context.url))


@blueprint.get("/repos/<owner>/<repo>/compare/<path:basehead>")
@repository_endpoint("contents")
def compare(context: Context, repository: Repository, basehead: str) -> Answer:
    base_name, dots, head_name = basehead.partition("...")
    base = repository.git.commit_of(base_name)
    head = repository.git.commit_of(head_name)
    merge_base = repository.git.merge_base(base, head) if dots and base and head else None
    if base is None or head is None or merge_base is None:
        raise not_found()
    return jsonify(_comparison(context, repository, base=base, head=head, merge_base=merge_base))


@blueprint.get("/repos/<owner>/<repo>/collaborators/<login>/permission")
@repository_endpoint("metadata")
def permission(context: Context, repository: Repository, login: str) -> Answer:
    user = context.state.account(login)
    if user is None or user.type != "User":
        raise not_found()
    role = access.role_of(repository, user)
    return jsonify(
        {
            "permission": _LEGACY_PERMISSIONS.get(role, role),
            "role_name": role,
            "user": {
                **accounts.account(user, context.url),
                "permissions": _rights(role),
                "role_name": role,
            },
        }
    )


@blueprint.get("/repos/<owner>/<repo>/pulls")
@repository_endpoint("pull_requests")
def pulls(context: Context, repository: Repository) -> Answer:
    wanted = request.args.get("state", "open")
    found = [
        each
        for each in reversed(context.state.pull_requests.values())
        if each.base is repository and wanted in ("all", "open" if each.is_open else "closed")
    ]
    return page(
        found, lambda each: pull_requests.summary(each, context.url), public_url=context.url
    )


@blueprint.get("/repos/<owner>/<repo>/pulls/<int:number>")
@repository_endpoint("pull_requests")
def pull(context: Context, repository: Repository, number: int) -> Answer:
    found: PullRequest | None = context.state.pull_requests.get((repository.id, number))
    if found is None:
        raise not_found()
    return jsonify(pull_requests.pull_request(found, context.url))


def _renamed_branch(context: Context, repository: Repository, branch: str) -> Answer:
    name = repository.former_branches.get(branch)
    if name is None:
        raise not_found()
    path = f"/repositories/{repository.id}/branches/{quote(name, safe='')}"
    return redirect(context.url + request.environ["github.prefix"] + path, code=301)


def _rights(role: str) -> Json:
    """https://docs.github.com/en/organizations/managing-user-access-to-your-organizations-repositories"""
    rights = ("pull", "triage", "push", "maintain", "admin")
    return {name: access.ROLES.index(role) > place for place, name in enumerate(rights)}


def _comparison(
    context: Context, repository: Repository, *, base: str, head: str, merge_base: str
) -> Json:
    git = repository.git
    ahead, behind = git.commits_between(base, head), git.commits_between(head, base)
    words = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
    html = f"{context.url}/{repository.full_name}/compare/{base}...{head}"
    shown = [repositories.commit(repository, git.show(sha), url=context.url) for sha in ahead[:250]]
    is_first_page = request.args.get("page", "1") == "1"
    changed = differences(git, merge_base, head)[:_MOST_FILES] if is_first_page else []
    return {
        "url": f"{repositories.api_url(repository, context.url)}/compare/{base}...{head}",
        "html_url": html,
        "permalink_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": repositories.commit(repository, git.show(base), url=context.url),
        "merge_base_commit": repositories.commit(repository, git.show(merge_base), url=context.url),
        "status": words.get((bool(ahead), bool(behind)), "diverged"),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": shown,
        "files": [
            repositories.changed_file(repository, each, head=head, url=context.url)
            for each in changed
        ],
    }
