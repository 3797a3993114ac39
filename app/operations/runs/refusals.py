"""What a job is told when it does not get what it asked for."""

from app.core.errors import CoppiceError
from app.core.facts import Denied

ASK_AGAIN_SECONDS = 2


class Refused(CoppiceError):
    """A decision against a request; 409 and 503 may end differently when asked again."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.message, advice=denied.advice, code=denied.code)
        self.http_status = denied.http_status
        self.retry_after_seconds = denied.retry_after_seconds


def not_yet(code: str, message: str) -> Refused:
    """The request is fine and its time has not come."""
    return Refused(
        Denied(
            code=code,
            message=message,
            advice="Nothing to do: the Action asks again until its time is over.",
            http_status=409,
            retry_after_seconds=ASK_AGAIN_SECONDS,
        )
    )


def lease_lost() -> Refused:
    """Somebody else may hold the database by now."""
    return Refused(
        Denied(
            code="lease_lost",
            message="This run has the database to itself no longer.",
            advice="Re-run the job: the migration was given up because its runner was silent.",
            http_status=409,
            retry_after_seconds=ASK_AGAIN_SECONDS,
        )
    )


def too_many_runs(most: int) -> Refused:
    """The job uses the Action without end, or somebody does with its token."""
    return Refused(
        Denied(
            code="too_many_runs",
            message=f"This job has begun {most} runs already, and no job may begin more.",
            advice="Ask for credentials once and use them in all steps, or split the job.",
            http_status=409,
        )
    )


def not_your_run() -> Refused:
    """One answer for a run of another job and for none at all."""
    return Refused(
        Denied(
            code="not_your_run",
            message="The token was not made for the job that this run belongs to.",
            advice="Let each job start its own run with the Action.",
        )
    )
