"""What a run's commands left unfinished, as the Action tells it and people read it."""

from dataclasses import asdict
from typing import Literal

from pydantic import Field

from app.core.runs import Unfinished, UnfinishedKind
from app.web.api.shapes import Request, Text

_LONGEST = 100  # a name has 63 bytes in PostgreSQL


class UnfinishedObject(Request):
    """An invalid index, or a constraint that is not validated."""

    kind: Literal["index", "constraint"]
    namespace: Text = Field(max_length=_LONGEST, description="Its schema")
    table: Text = Field(max_length=_LONGEST, description="Or domain")
    name: Text = Field(max_length=_LONGEST)

    def to_unfinished(self) -> Unfinished:
        return Unfinished(**{**self.model_dump(), "kind": UnfinishedKind(self.kind)})

    @classmethod
    def of(cls, one: Unfinished) -> "UnfinishedObject":
        return cls(**{**asdict(one), "kind": one.kind.value})
