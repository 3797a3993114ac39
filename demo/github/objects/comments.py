"""Issues, comments and reactions as JSON."""

from collections import Counter
from collections.abc import Iterable

from demo.github.model import Account, Comment, Issue, Json, PullRequest, Reaction, Repository
from demo.github.objects.accounts import AppIdentity, account, app, node_id
from demo.github.objects.repositories import api_url
from demo.github.state import timestamp

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")
LONGEST_BODY = 65_536


def comment(record: Comment, identity: AppIdentity) -> Json:
    url = identity.url
    base = api_url(record.repository, url)
    api = f"{base}/issues/comments/{record.id}"
    html = f"{url}/{record.repository.full_name}/{_page(record.on)}/{record.on.number}"
    return {
        "url": api,
        "html_url": f"{html}#issuecomment-{record.id}",
        "issue_url": f"{base}/issues/{record.on.number}",
        "id": record.id,
        "node_id": node_id("IssueComment", record.id),
        "user": account(record.author, url),
        "created_at": timestamp(record.created_at),
        "updated_at": timestamp(record.updated_at),
        "body": record.body,
        "author_association": _association(record.repository, record.author),
        "reactions": _reactions(f"{api}/reactions", record.reactions),
        "performed_via_github_app": app(identity) if record.is_by_app else None,
    }


def reaction(record: Reaction, url: str) -> Json:
    return {
        "id": record.id,
        "node_id": node_id("Reaction", record.id),
        "user": account(record.author, url),
        "content": record.content,
        "created_at": timestamp(record.created_at),
    }


def issue(record: PullRequest | Issue, identity: AppIdentity, all_of: Iterable[Comment]) -> Json:
    """An issue; a pull request is one with `pull_request` in it."""
    url = identity.url
    repository = record.base if isinstance(record, PullRequest) else record.repository
    base = api_url(repository, url)
    api = f"{base}/issues/{record.number}"
    html = f"{url}/{repository.full_name}/{_page(record)}/{record.number}"
    shown: Json = {
        "url": api,
        "repository_url": base,
        "labels_url": f"{api}/labels{{/name}}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "html_url": html,
        "id": record.id,
        "node_id": node_id("Issue", record.id),
        "number": record.number,
        "title": record.title,
        "user": account(record.author, url),
        "labels": [],
        "state": "open",
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": sum(each.on is record for each in all_of),
        "created_at": timestamp(record.created_at),
        "updated_at": timestamp(record.created_at),
        "closed_at": None,
        "author_association": _association(repository, record.author),
        "active_lock_reason": None,
        "body": None,
        "reactions": _reactions(f"{api}/reactions", []),
        "timeline_url": f"{api}/timeline",
        "performed_via_github_app": None,
        "state_reason": None,
    }
    return {**shown, **_pull_request_parts(record, base, html)}


def _pull_request_parts(record: PullRequest | Issue, base: str, html: str) -> Json:
    if isinstance(record, Issue):
        return {}
    closed_at = None if record.is_open else timestamp(record.created_at)
    return {
        "draft": False,
        "state": "open" if record.is_open else "closed",
        "closed_at": closed_at,
        "pull_request": {
            "url": f"{base}/pulls/{record.number}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "merged_at": closed_at if record.is_merged else None,
        },
    }


def _page(record: PullRequest | Issue) -> str:
    return "pull" if isinstance(record, PullRequest) else "issues"


def _association(repository: Repository, author: Account) -> str:
    """Says how somebody belongs here, which is no permission."""
    return "OWNER" if author.id == repository.owner.id else "NONE"


def _reactions(url: str, given: list[Reaction]) -> Json:
    counted = Counter(each.content for each in given)
    return {
        "url": url,
        "total_count": len(given),
        **{content: counted[content] for content in REACTIONS},
    }
