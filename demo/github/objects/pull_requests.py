"""Pull requests as JSON."""

from demo.github.model import Json, PullRequest, Repository
from demo.github.objects.accounts import account, node_id
from demo.github.objects.repositories import api_url, repository
from demo.github.state import timestamp


def summary(record: PullRequest, url: str) -> Json:
    """How a list shows it."""
    base = api_url(record.base, url)
    api = f"{base}/pulls/{record.number}"
    html = f"{url}/{record.base.full_name}/pull/{record.number}"
    at = timestamp(record.created_at)
    return {
        "id": record.id,
        "node_id": node_id("PullRequest", record.id),
        "number": record.number,
        "url": api,
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": f"{base}/issues/{record.number}",
        "commits_url": f"{api}/commits",
        "review_comments_url": f"{api}/comments",
        "review_comment_url": f"{base}/pulls/comments{{/number}}",
        "comments_url": f"{base}/issues/{record.number}/comments",
        "statuses_url": f"{base}/statuses/{record.head_sha}",
        "state": "open" if record.is_open else "closed",
        "locked": False,
        "title": record.title,
        "user": account(record.author, url),
        "body": None,
        "labels": [],
        "milestone": None,
        "active_lock_reason": None,
        "created_at": at,
        "updated_at": at,
        "closed_at": None if record.is_open else at,
        "merged_at": at if record.is_merged else None,
        "merge_commit_sha": None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _end(record.head, branch=record.head_branch, sha=record.head_sha, url=url),
        "base": _end(record.base, branch=record.base_branch, sha=_base_sha(record), url=url),
        "_links": _links(record, url),
        "author_association": "CONTRIBUTOR",
        "auto_merge": None,
        "draft": False,
    }


def pull_request(record: PullRequest, url: str) -> Json:
    counts = "comments review_comments commits additions deletions changed_files"
    return {
        **summary(record, url),
        "merged": record.is_merged,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": None,
        "maintainer_can_modify": False,
        **dict.fromkeys(counts.split(), 0),
    }


def minimal(record: PullRequest, url: str) -> Json:
    """How check suites and workflow runs refer to it."""
    head, base = record.head, record.base
    return {
        "id": record.id,
        "number": record.number,
        "url": f"{api_url(base, url)}/pulls/{record.number}",
        "head": {
            "ref": record.head_branch,
            "sha": record.head_sha,
            "repo": _repository_stub(head or base, url),
        },
        "base": {
            "ref": record.base_branch,
            "sha": _base_sha(record),
            "repo": _repository_stub(base, url),
        },
    }


def _repository_stub(record: Repository, url: str) -> Json:
    return {"id": record.id, "url": api_url(record, url), "name": record.name}


def _end(record: Repository | None, *, branch: str, sha: str, url: str) -> Json:
    owner = None if record is None else record.owner
    return {
        "label": f"{owner.login}:{branch}" if owner else f"unknown:{branch}",
        "ref": branch,
        "sha": sha,
        "user": None if owner is None else account(owner, url),
        "repo": None if record is None else repository(record, url),
    }


def _base_sha(record: PullRequest) -> str:
    return record.base.git.head(record.base_branch) or record.head_sha


def _links(record: PullRequest, url: str) -> Json:
    base = api_url(record.base, url)
    number = str(record.number)
    links = {
        "self": f"{base}/pulls/{number}",
        "html": f"{url}/{record.base.full_name}/pull/{number}",
        "issue": f"{base}/issues/{number}",
        "comments": f"{base}/issues/{number}/comments",
        "review_comments": f"{base}/pulls/{number}/comments",
        "review_comment": f"{base}/pulls/comments{{/number}}",
        "commits": f"{base}/pulls/{number}/commits",
        "statuses": f"{base}/statuses/{record.head_sha}",
    }
    return {name: {"href": link} for name, link in links.items()}
