"""What people read when the service says no: its own words, and the lines to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from action.errors import Problem

if TYPE_CHECKING:
    from action.reply import Refusal

_AUDIENCE = """\
The token of this job was made for the address in `service-url`, and it must be exactly the
service's own `COPPICE_PUBLIC_URL` (a slash at the end makes no difference). Now it is:

```yaml
with:
  service-url: {url}
```"""

_NOT_INSTALLED = """\
Somebody who administers the organization installs the service's GitHub App on this repository
(on GitHub: Settings, GitHub Apps, Configure, Repository access)."""

_NOT_ASSIGNED = """\
An operator of the service assigns the repository to an instance, once:

```
coppice apps assign OWNER/REPOSITORY INSTANCE
```"""

_RUNTIME = """\
The database's long-lived login is for deployments. A migration or test does not need it:

```yaml
with:
  credentials: job
```

A deployment that does need production's is allowed by an operator of the service, in the app's
assignment (`runtime-production`)."""

_ENVIRONMENT = """\
Let the job use the GitHub environment that the assignment asks for:

```yaml
jobs:
  migrate:
    environment: production # the name that the service gives above
```"""

_LINES = {
    "wrong_audience": _AUDIENCE,
    "not_installed": _NOT_INSTALLED,
    "not_assigned": _NOT_ASSIGNED,
    "runtime_not_allowed": _RUNTIME,
    "environment_missing": _ENVIRONMENT,
}


def refused(status: int, refusal: Refusal, *, url: str) -> Problem:
    """Tell a refusal in the service's words, with what to write where we know it."""
    lines = _LINES.get(refusal.code, "").replace("{url}", url)
    code = f" ({refusal.code})" if refusal.code else ""
    return Problem(
        title=(refusal.message or f"The service refused, with HTTP status {status}.") + code,
        text="\n\n".join(part for part in (refusal.advice, lines) if part)
        or "The service gave no advice; its log may say more.",
    )
