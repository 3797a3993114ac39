"""Users, organisations, the App and its installations as JSON."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from demo.github.model import Account, Installation, Json, Repository, Token
from demo.github.state import timestamp

_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}

EVENTS = [
    "check_run",
    "check_suite",
    "create",
    "delete",
    "issue_comment",
    "merge_group",
    "pull_request",
    "push",
    "repository",
    "workflow_job",
    "workflow_run",
]

PERMISSIONS = {
    "actions": "write",
    "checks": "write",
    "contents": "read",
    "issues": "read",
    "merge_queues": "read",
    "metadata": "read",
    "pull_requests": "write",
}
"""What the documented App asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppIdentity:
    """The one GitHub App of this small GitHub."""

    id: int
    slug: str
    owner: Account
    url: str
    """Of GitHub itself."""
    name: str = "Coppice"
    is_public: bool = True
    client_id: str = "Iv23liLocalDemo"
    client_secret: str = field(default="local-client-secret", repr=False)
    callback_urls: tuple[str, ...] = ("https://example.com/callback",)
    setup_url: str = ""
    permissions: Mapping[str, str] = field(default_factory=lambda: PERMISSIONS)
    events: tuple[str, ...] = tuple(EVENTS)


def node_id(kind: str, number: int) -> str:
    """An opaque id of GitHub's look."""
    return base64.b64encode(f"{kind}{number}".encode()).decode()


def account(record: Account, url: str) -> Json:
    api = f"{url}/users/{record.login}"
    return {
        "login": record.login,
        "id": record.id,
        "node_id": node_id(record.type, record.id),
        "avatar_url": f"{url}/avatars/{record.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{url}/{record.login}",
        **{key: api + path for key, path in _LINKS.items()},
        "type": record.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def organization(record: Account, url: str) -> Json:
    """What webhooks carry beside a repository of an organisation."""
    api = f"{url}/orgs/{record.login}"
    paths = ("repos", "events", "hooks", "issues")
    return {
        "login": record.login,
        "id": record.id,
        "node_id": node_id("Organization", record.id),
        "url": api,
        **{f"{path}_url": f"{api}/{path}" for path in paths},
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"{url}/avatars/{record.id}",
        "description": "",
    }


def app(identity: AppIdentity, *, installations_count: int | None = None) -> Json:
    found: Json = {
        "id": identity.id,
        "slug": identity.slug,
        "node_id": node_id("App", identity.id),
        "client_id": identity.client_id,
        "owner": account(identity.owner, identity.url),
        "name": identity.name,
        "description": "",
        "external_url": "https://example.com",
        "html_url": f"{identity.url}/apps/{identity.slug}",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "permissions": dict(identity.permissions),
        "events": list(identity.events),
    }
    if installations_count is not None:
        found["installations_count"] = installations_count
    return found


def installation(record: Installation, identity: AppIdentity) -> Json:
    url = identity.url
    suspended_at = record.created_at if record.is_suspended else None
    return {
        "id": record.id,
        "client_id": identity.client_id,
        "account": account(record.account, url),
        "repository_selection": "all" if record.repository_ids is None else "selected",
        "access_tokens_url": f"{url}/app/installations/{record.id}/access_tokens",
        "repositories_url": f"{url}/installation/repositories",
        "html_url": f"{url}/settings/installations/{record.id}",
        "app_id": identity.id,
        "app_slug": identity.slug,
        "target_id": record.account.id,
        "target_type": record.account.type,
        "permissions": record.permissions,
        "events": list(identity.events),
        "created_at": timestamp(record.created_at),
        "updated_at": timestamp(record.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": account(record.account, url) if record.is_suspended else None,
        "suspended_at": timestamp(suspended_at),
    }


def token(record: Token) -> Json:
    return {
        "token": record.value,
        "expires_at": timestamp(record.expires_at),
        "permissions": record.permissions,
        "repository_selection": "all" if record.repository_ids is None else "selected",
    }


def repository_stub(record: Repository) -> Json:
    """How installation events list a repository."""
    return {
        "id": record.id,
        "node_id": node_id("Repository", record.id),
        "name": record.name,
        "full_name": record.full_name,
        "private": record.is_private,
    }
