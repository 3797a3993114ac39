"""Answers of the API about how a server does."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from app.operations.ports.measurements import InstanceMeasurement
from app.operations.ports.postgres import Finding, ServerReport


class FindingShown(BaseModel):
    """One thing about a server that a person should know."""

    code: str
    message: str
    advice: str
    prevents_use: bool

    @classmethod
    def of(cls, finding: Finding) -> "FindingShown":
        return cls(
            code=finding.code,
            message=finding.message,
            advice=finding.advice,
            prevents_use=finding.is_fatal,
        )


class ServerTest(BaseModel):
    """What a connection test found."""

    usable: bool
    version: str
    findings: list[FindingShown]

    @classmethod
    def of(cls, report: ServerReport) -> "ServerTest":
        return cls(
            usable=report.is_usable,
            version=report.version,
            findings=[FindingShown.of(one) for one in report.findings],
        )


class ServerHealth(BaseModel):
    """A server as a worker last saw it; after a failure with what was known before."""

    measured_at: datetime | None = Field(description="Null: not yet")
    version: str | None
    problem: str | None
    advice: str
    findings: list[FindingShown]
    free_bytes: int | None = Field(description="Of its disk, where the service can tell")

    @classmethod
    def of(
        cls, measured: InstanceMeasurement | None, *, remarks: Sequence[Finding] = ()
    ) -> "ServerHealth":
        if measured is None:
            return cls(
                measured_at=None,
                version=None,
                problem=None,
                advice="A worker measures every ten minutes.",
                findings=[],
                free_bytes=None,
            )
        return cls(
            measured_at=measured.measured_at,
            version=measured.version,
            problem=measured.problem,
            advice=measured.advice,
            findings=[FindingShown.of(one) for one in (*measured.findings, *remarks)],
            free_bytes=measured.free_bytes,
        )
