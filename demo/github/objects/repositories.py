"""Repositories, branches and commits as JSON."""

from urllib.parse import quote

from demo.github.differences import Difference
from demo.github.loose import Commit
from demo.github.model import Json, Repository
from demo.github.objects.accounts import account, node_id
from demo.github.state import timestamp

_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def minimal_repository(record: Repository, url: str) -> Json:
    """What other objects, such as workflow runs, carry of a repository."""
    api = api_url(record, url)
    return {
        "id": record.id,
        "node_id": node_id("Repository", record.id),
        "name": record.name,
        "full_name": record.full_name,
        "private": record.is_private,
        "owner": account(record.owner, url),
        "html_url": f"{url}/{record.full_name}",
        "description": None,
        "fork": record.fork_of is not None,
        "url": api,
        **{key: api + path for key, path in _LINKS.items()},
    }


def repository(record: Repository, url: str) -> Json:
    html = f"{url}/{record.full_name}"
    return {
        **minimal_repository(record, url),
        **_dates(record),
        **_counters(),
        "git_url": f"{html}.git",
        "ssh_url": f"git@localhost:{record.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "homepage": None,
        "language": None,
        "mirror_url": None,
        "license": None,
        "archived": record.is_archived,
        "disabled": False,
        "is_template": False,
        "topics": [],
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "visibility": "private" if record.is_private else "public",
        "default_branch": record.default_branch,
    }


def full_repository(record: Repository, url: str) -> Json:
    return {**repository(record, url), "network_count": 0, "subscribers_count": 0}


def api_url(record: Repository, url: str) -> str:
    return f"{url}/repos/{record.full_name}"


def branch_summary(record: Repository, *, name: str, sha: str, url: str) -> Json:
    return {
        "name": name,
        "commit": {"sha": sha, "url": f"{api_url(record, url)}/commits/{sha}"},
        "protected": name in record.protected_branches,
    }


def branch(record: Repository, *, name: str, head: Commit, url: str) -> Json:
    api = f"{api_url(record, url)}/branches/{quote(name, safe='')}"
    is_protected = name in record.protected_branches
    checks = {"enforcement_level": "off", "contexts": [], "checks": []}
    return {
        "name": name,
        "commit": commit(record, head, url=url),
        "_links": {"self": api, "html": f"{url}/{record.full_name}/tree/{quote(name)}"},
        "protected": is_protected,
        "protection": {"enabled": is_protected, "required_status_checks": checks},
        "protection_url": f"{api}/protection",
    }


def commit(record: Repository, found: Commit, *, url: str) -> Json:
    api = f"{api_url(record, url)}/commits/{found.sha}"
    html = f"{url}/{record.full_name}/commit"
    git = f"{api_url(record, url)}/git"
    person = {"name": "Mona Lisa", "email": "mona@example.com", "date": found.at}
    parents = [
        {"sha": sha, "url": f"{api_url(record, url)}/commits/{sha}", "html_url": f"{html}/{sha}"}
        for sha in found.parents
    ]
    return {
        "sha": found.sha,
        "node_id": node_id("Commit", int(found.sha[:8], 16)),
        "url": api,
        "html_url": f"{html}/{found.sha}",
        "comments_url": f"{api}/comments",
        "author": account(record.owner, url),
        "committer": account(record.owner, url),
        "parents": parents,
        "commit": {
            "url": f"{git}/commits/{found.sha}",
            "author": person,
            "committer": person,
            "message": found.message,
            "comment_count": 0,
            "tree": {"sha": found.tree, "url": f"{git}/trees/{found.tree}"},
        },
    }


def changed_file(record: Repository, found: Difference, *, head: str, url: str) -> Json:
    path = quote(found.path)
    html = f"{url}/{record.full_name}"
    former = {"previous_filename": found.former_path} if found.former_path else {}
    return {
        "sha": found.sha,
        "filename": found.path,
        "status": found.status,
        "additions": found.additions,
        "deletions": found.deletions,
        "changes": found.additions + found.deletions,
        "blob_url": f"{html}/blob/{head}/{path}",
        "raw_url": f"{html}/raw/{head}/{path}",
        "contents_url": f"{api_url(record, url)}/contents/{path}?ref={head}",
        **former,
    }


def simple_commit(found: Commit) -> Json:
    """`head_commit` of workflow runs, check suites and merge groups."""
    person = {"name": "Mona Lisa", "email": "mona@example.com"}
    return {
        "id": found.sha,
        "tree_id": found.tree,
        "message": found.message,
        "timestamp": found.at,
        "author": person,
        "committer": person,
    }


def _dates(record: Repository) -> Json:
    at = timestamp(record.created_at)
    return {"created_at": at, "updated_at": at, "pushed_at": at}


def _counters() -> Json:
    names = "size stargazers_count watchers_count forks_count forks open_issues_count open_issues"
    flags = "has_issues has_projects has_downloads has_wiki"
    return {
        **dict.fromkeys(f"{names} watchers".split(), 0),
        **dict.fromkeys(flags.split(), True),
        "has_pages": False,
        "has_discussions": False,
    }
