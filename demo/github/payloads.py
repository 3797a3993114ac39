"""Webhook payloads: what every event carries, and the events' own parts."""

from demo.github.context import Context
from demo.github.git import ZERO_SHA
from demo.github.hooks import HOOK_ID
from demo.github.loose import Commit
from demo.github.model import (
    Account,
    CheckRun,
    Comment,
    Installation,
    Json,
    PullRequest,
    Repository,
    WorkflowJob,
    WorkflowRun,
)
from demo.github.objects import accounts, actions, comments, pull_requests, repositories


def framed(context: Context, repository: Repository, sender: Account, **parts: object) -> Json:
    """An event of a repository: its own parts, the repository, who did it, the installation."""
    payload: Json = {
        **parts,
        "repository": {
            **repositories.repository(repository, context.url),
            "custom_properties": {},
        },
        "sender": accounts.account(sender, context.url),
    }
    if repository.owner.type == "Organization":
        payload["organization"] = accounts.organization(repository.owner, context.url)
    installation = context.state.installation_of(repository)
    if installation is not None:
        payload["installation"] = {
            "id": installation.id,
            "node_id": accounts.node_id("Installation", installation.id),
        }
    return payload


def ping(context: Context) -> Json:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping"""
    return {
        "zen": "Anything added dilutes everything else.",
        "hook_id": HOOK_ID,
        "hook": {
            "type": "App",
            "id": HOOK_ID,
            "name": "web",
            "active": True,
            "app_id": context.identity.id,
            "events": list(context.identity.events),
            "config": hook_configuration(context),
            "updated_at": "2026-01-01T00:00:00Z",
            "created_at": "2026-01-01T00:00:00Z",
            "deliveries_url": f"{context.url}/app/hook/deliveries",
        },
    }


def push(
    context: Context, repository: Repository, *, branch: str, before: str | None, after: str | None
) -> Json:
    """The parts of a push; no `before` creates the branch, no `after` deletes it."""
    html = f"{context.url}/{repository.full_name}"
    commits = _pushed_commits(repository, before=before, after=after)
    base = repository.git.merge_base(before, after) if before and after else before
    return {
        "ref": f"refs/heads/{branch}",
        "before": before or ZERO_SHA,
        "after": after or ZERO_SHA,
        "created": before is None,
        "deleted": after is None,
        "forced": base != before,
        "base_ref": None,
        "compare": f"{html}/compare/{before or ZERO_SHA}...{after or ZERO_SHA}",
        "commits": [_pushed(commit, html) for commit in commits],
        "head_commit": _pushed(repository.git.show(after), html) if after else None,
        "pusher": {"name": "mona", "email": "mona@example.com"},
    }


def hook_configuration(context: Context) -> Json:
    """The App's webhook settings; GitHub never shows the secret."""
    return {
        "content_type": "json",
        "insecure_ssl": "0",
        "secret": "********",
        "url": context.hook.url or "https://example.com",
    }


def pushed_repository(context: Context, repository: Repository) -> Json:
    """`push` alone shows a repository in an older form: times as seconds, a named owner."""
    shown = repositories.repository(repository, context.url)
    seconds = int(repository.created_at.timestamp())
    owner = {**shown["owner"], "name": repository.owner.login, "email": None}
    return {
        **shown,
        "owner": owner,
        "created_at": seconds,
        "pushed_at": seconds,
        "stargazers": 0,
        "master_branch": repository.default_branch,
        "custom_properties": {},
    }


def check_run(context: Context, record: CheckRun) -> Json:
    """The check run with its whole suite, as events show it."""
    shown = actions.check_run(record, context.identity)
    suite = actions.check_suite(record, context.identity)
    return {**shown, "check_suite": suite, "actions": record.actions}


def check_suite(context: Context, record: CheckRun) -> Json:
    return actions.check_suite(record, context.identity)


def workflow_run(context: Context, run: WorkflowRun) -> Json:
    return {
        "workflow_run": actions.workflow_run(run, context.url),
        "workflow": actions.workflow(run, context.url),
    }


def workflow_job(context: Context, run: WorkflowRun, job: WorkflowJob) -> Json:
    return {"workflow_job": actions.job(job, run, context.url)}


def pull_request(context: Context, record: PullRequest) -> Json:
    return {
        "number": record.number,
        "pull_request": pull_requests.pull_request(record, context.url),
    }


def issue_comment(context: Context, record: Comment) -> Json:
    """The parts of a comment; pull requests are issues here, as everywhere in GitHub's API."""
    return {
        "issue": comments.issue(record.on, context.identity, context.state.comments.values()),
        "comment": comments.comment(record, context.identity),
    }


def merge_group(repository: Repository, *, branch: str, base_branch: str) -> Json:
    head = repository.git.show(repository.git.head(branch) or "")
    return {
        "merge_group": {
            "head_sha": head.sha,
            "head_ref": f"refs/heads/{branch}",
            "base_sha": head.parents[0],
            "base_ref": f"refs/heads/{base_branch}",
            "head_commit": repositories.simple_commit(head),
        }
    }


def installation(context: Context, record: Installation, sender: Account) -> Json:
    """The parts of `installation` events."""
    seen = [
        accounts.repository_stub(repository)
        for repository in context.state.repositories.values()
        if context.state.is_seen(repository, by=record)
    ]
    return {
        "installation": accounts.installation(record, context.identity),
        "repositories": seen,
        "requester": None,
        "sender": accounts.account(sender, context.url),
    }


def installation_repositories(
    context: Context,
    record: Installation,
    *,
    added: list[Repository],
    removed: list[Repository],
) -> Json:
    selection = "all" if record.repository_ids is None else "selected"
    return {
        "action": "added" if added else "removed",
        "installation": accounts.installation(record, context.identity),
        "repository_selection": selection,
        "repositories_added": [accounts.repository_stub(each) for each in added],
        "repositories_removed": [accounts.repository_stub(each) for each in removed],
        "requester": None,
        "sender": accounts.account(record.account, context.url),
    }


def _pushed_commits(
    repository: Repository, *, before: str | None, after: str | None
) -> list[Commit]:
    """At most 20 of them, as GitHub sends at most 2,048; the demonstration needs no more."""
    if before is None or after is None:
        return []
    shas = repository.git.commits_between(before, after)
    return [repository.git.show(sha) for sha in shas[-20:]]


def _pushed(commit: Commit, html: str) -> Json:
    person = {"name": "Mona Lisa", "email": "mona@example.com", "username": "mona"}
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.at,
        "url": f"{html}/commit/{commit.sha}",
        "author": person,
        "committer": person,
        "added": [],
        "removed": [],
        "modified": [],
    }
