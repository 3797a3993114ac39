"""What commands ask of a service, over its API: the same of one elsewhere and of this machine's."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from app.core.errors import Conflict, CoppiceError
from app.core.limits import FROZEN_ADVICE

# A worker does what takes time: as long as the Action waits for it.
_PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.5
_PAGE = 100


class Client(ABC):
    """Asks one service, with the permissions of whoever the service takes this command for."""

    is_elsewhere: ClassVar[bool]
    """The service is another's: what it says is run here only if the person agrees."""
    url: str
    """Where people find the service."""
    machine: str | None = None
    """What the service calls the machine of this command; None: it is none of the service's."""
    folder: Path
    """Where certificates of servers are kept."""

    def get(self, path: str, **parameters: str | None) -> dict[str, Any]:
        """The answer to a GET; parameters that are None are left out."""
        return self._ask("GET", path, parameters={k: v for k, v in parameters.items() if v})

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return self._ask("POST", path, body={k: v for k, v in body.items() if v is not None})

    def patch(self, path: str, **body: Any) -> dict[str, Any]:
        return self._ask("PATCH", path, body={k: v for k, v in body.items() if v is not None})

    def put(self, path: str, **body: Any) -> dict[str, Any]:
        return self._ask("PUT", path, body=body)

    def delete(self, path: str, **parameters: str | None) -> dict[str, Any]:
        return self._ask("DELETE", path, parameters={k: v for k, v in parameters.items() if v})

    def items(self, path: str, **parameters: str | None) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: str | None = None
        while True:
            answer = self.get(path, **parameters, limit=str(_PAGE), cursor=cursor)
            yield from answer["items"]
            if answer["next"] is None:
                return
            cursor = str(answer["next"])

    def ready(
        self, database: dict[str, Any], *, after: tuple[str, ...] = ("creating",)
    ) -> dict[str, Any]:
        """The database once it has left these states. Raises what went wrong."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while database["state"] in after:
            if time.monotonic() > deadline:
                raise Conflict(
                    f"{database['name']} is still {database['state']}.",
                    advice="The service's worker goes on; `coppice databases show` looks again.",
                )
            if not self.work(database):
                time.sleep(_POLL_SECONDS)
            database = self.get(f"/databases/{database['id']}")
        if database["state"] != "ready":
            raise _not_ready(database)
        return database

    @abstractmethod
    def check_reachable(self, instance: str) -> None:
        """Raise OnAnotherHost where nobody would do what is asked of a server: nothing is begun."""

    @abstractmethod
    def work(self, database: Mapping[str, Any]) -> bool:
        """Do here what waits to be done to a database; False: others do it.

        Raises what went wrong.
        """

    @abstractmethod
    def _ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The JSON of the answer, an empty object for none. Raises what the service refuses."""


def path_of(*parts: object) -> str:
    """A path of the API; what people typed is one part of it, whatever letters it has."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def refusal(content: Mapping[str, Any]) -> CoppiceError:
    """The error that an answer tells of."""
    return CoppiceError(
        str(content.get("message", "The service refused.")),
        advice=str(content.get("advice", "")),
        code=str(content.get("error", "refused")),
    )


def _not_ready(database: Mapping[str, Any]) -> Conflict:
    is_frozen = database["frozen"]
    state = "frozen" if is_frozen else database["state"]
    advice = {
        "deleted": "Restore it (`coppice databases restore`).",
        "error": "Once the cause is mended, Fix tries again (`coppice databases fix`).",
    }
    reason = f": {database['reason']}" if database["reason"] else "."
    said = FROZEN_ADVICE if is_frozen else advice.get(state, "Repeat this in a moment.")
    return Conflict(f"{database['name']} is {state}{reason}", advice=said)
