"""What people read when something goes wrong: one text per cause, with the lines to change."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

from action.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from action.user_command import Inherited

_PERMISSIONS = """\
```yaml
permissions:
  contents: read
  id-token: write
```
"""


def _problem(title: str, text: str, **values: object) -> Problem:
    return Problem(title=title, text=dedent(text).strip().format(**values))


def wrong_inputs(problems: Sequence[str]) -> Problem:
    """Inputs of the step are wrong: all of them at once."""
    lines = "\n".join(f"- {problem}" for problem in problems)
    plain = "; ".join(problems).replace("`", "")
    return Problem(
        title=f"The inputs of this step are wrong: {plain}.",
        text=f"Correct them under `with:` of this step in the workflow file:\n\n{lines}",
    )


def no_id_token() -> Problem:
    """GitHub offers no identity to this job: nearly always a missing permission."""
    return _problem(
        "This job may not ask GitHub for an identity: the permission id-token: write is missing.",
        """
        The Action proves to the service which repository and ref it runs for with an identity
        token of GitHub, so that no secret has to be stored. Add this to the workflow file, at
        its top or in this job:

        {permissions}
        If the job is part of a reusable workflow (`workflow_call`), the workflow that calls it
        needs the same lines. A `permissions:` block of a job replaces the one of the workflow.

        https://docs.github.com/en/actions/reference/security/oidc
        """,
        permissions=_PERMISSIONS,
    )


def token_unavailable(why: str) -> Problem:
    """GitHub's token endpoint failed."""
    return _problem(
        f"GitHub did not give this job an identity token: {why}.",
        """
        The permission is there, but GitHub's own endpoint for identity tokens did not answer as
        it should. Re-run the job; if it stays, look at https://www.githubstatus.com, or on a
        self-hosted runner, whether it may reach the host of `ACTIONS_ID_TOKEN_REQUEST_URL`.
        """,
    )


def fork() -> Problem:
    """A pull request from a fork: by design without a database."""
    return _problem(
        "This pull request comes from a fork, which gets no database.",
        """
        Anyone can open a pull request from a fork, with any migration in it, so Coppice never
        answers it with credentials. Its migrations run when its commits are on a branch of this
        repository: a maintainer who has read them can push them there.

        By default the step is skipped with a notice. `on-no-database: fail` makes it fail.
        """,
    )


def no_database(message: str, advice: str) -> Problem:
    """The service says that the revision reaches nothing."""
    return Problem(
        title=message or "This revision reaches no database.",
        text="\n\n".join(
            part
            for part in (
                advice,
                "Databases are there for pushes and `workflow_dispatch` on branches, for"
                " `schedule` on the default branch, for pull requests from the same repository"
                " and for merge groups.",
                "By default the step is skipped with a notice. `on-no-database: fail` makes it"
                " fail.",
            )
            if part
        ),
    )


def unavailable(url: str, why: str) -> Problem:
    """The service could not be reached, or is out of order."""
    return _problem(
        f"The Coppice service at {url} is not available: {why or 'it answered with a fault'}.",
        """
        It was asked several times, with pauses.

        - Is `service-url` right, and does the service run? `curl {url}/healthz` says so.
        - May this runner reach it? A service in a private network needs a runner there
          (`runs-on: [self-hosted, ...]`).

        When it is back, re-run this job.
        """.replace("{url}", url),
    )


def certificate_refused(url: str, why: str) -> Problem:
    """The service's certificate is not trusted."""
    return Problem(
        title=f"The Coppice service at {url} cannot be trusted: {why}.",
        text=(
            "The token of this job is only sent to a server whose certificate this runner"
            " trusts. Give the service a certificate of a public authority, or install your"
            " authority's certificate on the runner and name it before this step:\n\n"
            "```yaml\nenv:\n  SSL_CERT_FILE: /etc/ssl/certs/ca-certificates.crt\n```"
        ),
    )


def redirected(url: str, where: str) -> Problem:
    """The service's address answers with a redirect."""
    return Problem(
        title=f"The address {url} redirects elsewhere, which is not followed.",
        text=(
            "Following would hand the identity token of this job to another server. Write the"
            " final address"
            + (f" (it points to `{_code(where)}`)" if where else "")
            + " into the workflow:\n\n```yaml\nwith:\n  service-url: https://...\n```\n\n"
            "It must be the service's own `COPPICE_PUBLIC_URL`."
        ),
    )


def not_coppice(url: str, *, status: int) -> Problem:
    """Something answers at the address, but not our service."""
    return Problem(
        title=f"What answers at {url} does not look like Coppice (HTTP status {status}).",
        text=(
            "Check `service-url`: it is the address of the service's start page, without a"
            " path behind it. A login page or firewall"
            " in front of the service must let `/api/v1/` through."
        ),
    )


def invalid_reply(url: str, why: str) -> Problem:
    """The service answered outside of the protocol."""
    return Problem(
        title=f"The answer of the service at {url} was refused: {why}.",
        text=(
            "Nothing of it was used. Either the service is of another version than this Action"
            " (update both), or something between the runner and the service changes its"
            " answers. If neither is the case, treat the service as compromised."
        ),
    )


TRACE_REFUSED = "the service did not take the trace"


def trace_refused(why: str) -> str:
    """Say that a result went out without what was seen besides."""
    return f"{TRACE_REFUSED.capitalize()}: the result is reported without it. It said: {why}"


def no_command(app: str) -> Problem:
    """Neither workflow nor assignment say what to run."""
    return _problem(
        "There is no migration command: neither in the workflow nor in the app's assignment.",
        """
        Say how your migrations are run, in the workflow

        ```yaml
        with:
          migration-command: npx prisma migrate deploy
        ```

        or once for the app: `coppice apps edit {app} --migration-command "..."`.
        """,
        app=app,
    )


def variables(inherited: Inherited) -> list[str]:
    """What becomes of the job's own variables that tools would take for a database's URL."""
    lines = []
    if inherited.set:
        lines.append(f"Each database's own URL is in these variables too: {_list(inherited.set)}.")
    if inherited.taken:
        lines.append(
            f"Taken away from the command, since they lead to other databases: "
            f"{_list(inherited.taken)}. To let it have one: `keep-env: NAME`."
        )
    return lines


def cancelled() -> Problem:
    """The job was cancelled before any database was reached."""
    return Problem(
        title="This job was cancelled before a database was migrated.",
        text="Nothing was changed. Re-run the job if that was not intended.",
    )


def bug(kind: str) -> Problem:
    """A mistake of ours."""
    return Problem(
        title=f"Coppice itself failed ({kind}). This is a mistake in the Action.",
        text="Please report it with the lines above; they hold no secret.",
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _code(text: str) -> str:
    return text.replace("`", "'")
