"""What `doctor` says: one line for each part of a service."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a part is."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One line of what doctor says."""

    what: str
    health: Health
    words: str
    advice: str = ""


def ok(what: str, words: str) -> Diagnosis:
    return Diagnosis(what=what, health=Health.OK, words=words)


def warning(what: str, words: str, advice: str) -> Diagnosis:
    return Diagnosis(what=what, health=Health.WARNING, words=words, advice=advice)
