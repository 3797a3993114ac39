"""Errors that speak to people: what happened, and what to do next."""


class CoppiceError(Exception):
    """Base of our errors; `str(error)` and `advice` are always safe to show.

    Technical detail (SQL, hosts, credentials) belongs in `__cause__` and the log only.
    """

    code = "internal"
    http_status = 500
    advice = "Look at the service's log; the request can be repeated."

    def __init__(self, message: str, *, advice: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        if advice is not None:
            self.advice = advice
        if code is not None:
            self.code = code


class TransientError(CoppiceError):
    """Worth trying again; jobs retry on this class and on nothing else."""

    code = "unavailable"
    http_status = 503
    advice = "Nothing to do: it is tried again by itself."


class LockLost(TransientError):
    """Another worker has taken the database's lock since: what was begun must not go on.

    The lock is a session of the state database, and its end tells its holder nothing.
    """

    code = "lock_lost"


class NotFound(CoppiceError):
    """Something that was named does not exist."""

    code = "not_found"
    http_status = 404
    advice = "Check the name against the list of what there is."


class Conflict(CoppiceError):
    """The request contradicts the present state."""

    code = "conflict"
    http_status = 409


class Invalid(CoppiceError):
    """The request itself is wrong."""

    code = "invalid"
    http_status = 400
    advice = "Correct the request and repeat it."


class Unauthorized(CoppiceError):
    """Nobody proved who is asking."""

    code = "unauthorized"
    http_status = 401


class Forbidden(CoppiceError):
    """Who is asking may not have this."""

    code = "forbidden"
    http_status = 403


class ServerUnreachable(TransientError):
    """A PostgreSQL server did not accept a connection."""

    code = "server_unreachable"
    advice = "Check that the server runs and that its host, port and firewall let this machine in."


class ServerBusy(TransientError):
    """Something on a PostgreSQL server was locked, in use or too slow; nothing is broken."""

    code = "server_busy"


class GitHubUnavailable(TransientError):
    """GitHub did not answer, or answered with a fault or a limit.

    `retry_after_seconds` is what GitHub asked for, when it did.
    """

    code = "github_unavailable"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ProvisioningFailed(CoppiceError):
    """A database could not be made; the text says why, for the check run and the dashboard."""

    code = "provisioning_failed"
    http_status = 422
