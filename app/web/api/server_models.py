"""Answers of the API about how a server does."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from app.core.findings import (
    Acknowledgement,
    Finding,
    InstanceMeasurement,
    InstanceTrial,
    ServerReport,
    acknowledged,
)
from app.web.api.shapes import Shown


class AcknowledgementShown(BaseModel):
    """Who knows of something and accepts it, and since when."""

    by: str
    at: datetime


class FindingShown(BaseModel):
    """One thing about a server that a person should know."""

    code: str
    message: str
    advice: str
    prevents_use: bool
    acknowledged: AcknowledgementShown | None = Field(
        description="Who accepts it; null: nobody, or not in these words"
    )

    @classmethod
    def of(cls, finding: Finding, accepted: Sequence[Acknowledgement] = ()) -> "FindingShown":
        known = acknowledged(finding, accepted)
        return cls(
            code=finding.code,
            message=finding.message,
            advice=finding.advice,
            prevents_use=finding.is_fatal,
            acknowledged=AcknowledgementShown(by=known.acknowledged_by, at=known.acknowledged_at)
            if known
            else None,
        )


class StepShown(Shown):
    """One thing that was tried by doing it, with a throw-away database."""

    code: str
    words: str
    outcome: str = Field(description="done, failed, or skipped for want of one before it")


class ServerTest(BaseModel):
    """What a connection test found, and what it tried."""

    usable: bool
    version: str
    findings: list[FindingShown]
    tried: list[StepShown]

    @classmethod
    def of(cls, report: ServerReport, accepted: Sequence[Acknowledgement] = ()) -> "ServerTest":
        return cls(
            usable=report.is_usable,
            version=report.version,
            findings=[FindingShown.of(one, accepted) for one in report.findings],
            tried=[StepShown.of(step) for step in report.tried],
        )


class TrialShown(BaseModel):
    """What was tried on a server, when it was linked or last tested."""

    tried_at: datetime
    steps: list[StepShown]
    findings: list[FindingShown] = Field(description="What was missing then")

    @classmethod
    def of(cls, trial: InstanceTrial) -> "TrialShown":
        return cls(
            tried_at=trial.tried_at,
            steps=[StepShown.of(step) for step in trial.steps],
            findings=[FindingShown.of(one) for one in trial.failures],
        )


class ServerHealth(BaseModel):
    """A server as a worker last saw it; after a failure with what was known before."""

    measured_at: datetime | None = Field(description="Null: not yet")
    version: str | None
    problem: str | None
    advice: str
    findings: list[FindingShown]
    free_bytes: int | None = Field(description="Of its disk, where the service can tell")
    trial: TrialShown | None = Field(description="Null: nothing was tried so far")

    @classmethod
    def of(
        cls,
        measured: InstanceMeasurement | None,
        *,
        findings: Sequence[Finding] = (),
        accepted: Sequence[Acknowledgement] = (),
        trial: InstanceTrial | None = None,
    ) -> "ServerHealth":
        shown = TrialShown.of(trial) if trial else None
        if measured is None:
            return cls(
                measured_at=None,
                version=None,
                problem=None,
                advice="A worker measures every ten minutes.",
                findings=[],
                free_bytes=None,
                trial=shown,
            )
        return cls(
            measured_at=measured.measured_at,
            version=measured.version,
            problem=measured.problem,
            advice=measured.advice,
            findings=[FindingShown.of(one, accepted) for one in findings],
            free_bytes=measured.free_bytes,
            trial=shown,
        )
