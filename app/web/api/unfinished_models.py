"""What a run's commands left unfinished, as the Action tells it and people read it."""

from dataclasses import asdict

from app.core.runs import Unfinished
from app.web.api.shapes import given_of


class UnfinishedObject(given_of(Unfinished)):  # type: ignore[misc]
    """An invalid index, or a constraint that is not validated."""

    @classmethod
    def of(cls, one: Unfinished) -> "UnfinishedObject":
        return cls(**{**asdict(one), "kind": one.kind.value})
