"""The service's answers as values. An answer is data from elsewhere: nothing is used unchecked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from action import fields
from action.credentials import Credentials, InvalidReply, credentials_in
from action.loopback import Loopback, loopback_in

_APP = re.compile(r"[a-z0-9]{2,16}")
_CODE = re.compile(r"[a-z0-9_-]{1,60}")
_DATABASE = re.compile(r"[a-z0-9][a-z0-9._-]{0,61}[a-z0-9]")
_PAGE = re.compile(r"https?://[A-Za-z0-9._~:/\[\]-]{1,500}")
_TRACE = re.compile(r"branches|all|off")
_ENVIRONMENT = re.compile(r"production|branch|preview")
_TEMPLATE = "template"
_PLANNED = re.compile(f"{_ENVIRONMENT.pattern}|{_TEMPLATE}")


@dataclass(frozen=True)
class Planned:
    """One database that the revision reaches."""

    environment: str
    database: str

    @property
    def is_template(self) -> bool:
        """Whether it is no database of the revision, but what new branches are cloned from."""
        return self.environment == _TEMPLATE


@dataclass(frozen=True)
class Run:
    """The service's record of this execution."""

    id: int
    app: str
    command: str
    command_source: str
    seed_command: str
    """Empty: nothing is seeded."""
    primary: str
    databases: tuple[Planned, ...]
    migrates: bool
    """Otherwise it is only asked for credentials."""
    url: str
    """Its page on the dashboard. Empty: the service is older than the Action."""
    trace: str | None
    """Of which databases the assignment wants traces. None: the service takes none."""
    template: Planned | None = None
    """What new branches are cloned from, where this run is to build it: after its databases."""

    @property
    def primary_database(self) -> Planned:
        """The branch's or production's, or preview when that is all there is."""
        return next(p for p in self.databases if p.environment == self.primary)


@dataclass(frozen=True)
class NoDatabase:
    """The revision reaches no database."""

    reason: str
    message: str
    advice: str


@dataclass(frozen=True)
class Granted:
    """A database is ours: credentials, and the lease when something is to run."""

    planned: Planned
    credentials: Credentials = field(repr=False)
    lease_seconds: float
    """0 when nothing is to be migrated."""
    seeds: bool
    """Once it is migrated, the seed command follows."""
    notices: tuple[str, ...] = ()
    """What the service has to say beside."""
    loopback: Loopback | None = None
    """For a command that is traced."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must not show."""
        key = (self.loopback.secret,) if self.loopback else ()
        return (*self.credentials.secrets, *key)


@dataclass(frozen=True)
class Passed:
    """There is nothing to run on this database: `superseded` or `skipped`."""

    result: str
    message: str


@dataclass(frozen=True)
class Wait:
    """The database is not to be had yet."""

    code: str
    message: str
    advice: str
    retry_after_seconds: float


@dataclass(frozen=True)
class Changes:
    """Which files a commit changed, by their paths from the repository's root."""

    files: tuple[str, ...] = ()
    added: frozenset[str] = frozenset()
    """Those of them that are new."""


@dataclass(frozen=True)
class Verdict:
    """What the service makes of a report."""

    again: bool
    fails: bool
    message: str
    summary: str = ""
    """Markdown for the step's summary page. Empty: nothing, or the service is older."""


@dataclass(frozen=True)
class Refusal:
    """An error answer, told in the service's words."""

    code: str
    message: str
    advice: str
    retry_after_seconds: float


def decode(body: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises InvalidReply."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidReply("it is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidReply("it is not a JSON object")
    return value


def run_in(reply: dict[str, Any], *, migrates: bool, may_build: bool = False) -> Run | NoDatabase:
    """Read the answer to a new run. Raises InvalidReply."""
    result = fields.matching(reply, "result", re.compile("run|skipped"))
    if result == "skipped":
        return NoDatabase(
            reason=fields.matching(reply, "reason", _CODE),
            message=fields.words(reply, "message"),
            advice=fields.words(reply, "advice"),
        )
    databases, template = _planned(reply, may_build=migrates and may_build)
    run = Run(
        id=fields.whole(reply, "run"),
        app=fields.matching(reply, "app", _APP),
        command=fields.command(reply, "command"),
        command_source=fields.matching(reply, "command_source", re.compile("workflow|assignment")),
        seed_command=fields.command(reply, "seed_command"),
        primary=fields.matching(reply, "primary", _ENVIRONMENT),
        databases=databases,
        template=template,
        migrates=migrates,
        url=fields.matching(reply, "url", _PAGE) if "url" in reply else "",
        trace=fields.matching(reply, "trace", _TRACE) if "trace" in reply else None,
    )
    if run.primary not in [planned.environment for planned in run.databases]:
        raise InvalidReply("its primary database is not one of its databases")
    all_planned = (*databases, template) if template else databases
    if any(not planned.database.startswith(f"{run.app}-") for planned in all_planned):
        raise InvalidReply("it names a database of another app")
    return run


def turn_in(
    reply: dict[str, Any], *, planned: Planned, migrates: bool, may_seed: bool = False
) -> Granted | Passed:
    """Read the answer about one database. Raises InvalidReply."""
    result = fields.matching(reply, "result", re.compile("go|superseded|skipped"))
    if reply.get("environment") != planned.environment:
        raise InvalidReply("it is about another environment")
    if result != "go":
        return Passed(result=result, message=fields.words(reply, "message"))
    if planned.is_template:
        # Another run may have finished the one that was planned: templates are numbered.
        planned = replace(planned, database=_next_template(reply.get("database"), planned))
    if reply.get("database") != planned.database:
        raise InvalidReply("it is about another database")
    return Granted(
        planned=planned,
        credentials=credentials_in(
            reply, environment=planned.environment, database=planned.database
        ),
        lease_seconds=lease_seconds_in(reply) if migrates else 0.0,
        seeds=_seeds(reply, may_seed=migrates and may_seed),
        notices=fields.lines(reply, "notices"),
        loopback=loopback_in(reply),
    )


def _next_template(name: object, planned: Planned) -> str:
    stem = planned.database.rpartition("-")[0]
    is_next = isinstance(name, str) and re.fullmatch(re.escape(stem) + r"-[0-9]{1,9}", name)
    return str(name) if is_next else planned.database


def lease_seconds_in(reply: dict[str, Any]) -> float:
    """Read how long a lease lasts. Raises InvalidReply."""
    return fields.number(reply, "lease_seconds", least=0.5, most=3600.0)


def changes_in(reply: dict[str, Any]) -> Changes:
    """Read which files a commit changed; they are checked where they are opened."""
    files, added = reply.get("files"), reply.get("added")
    if not isinstance(files, list) or not isinstance(added, list):
        raise InvalidReply("`files` or `added` is not a list")
    return Changes(
        files=tuple(path for path in files if isinstance(path, str)),
        added=frozenset(path for path in added if isinstance(path, str)),
    )


def verdict_in(reply: dict[str, Any]) -> Verdict:
    """Read the answer to a report. Raises InvalidReply."""
    return Verdict(
        again=fields.matching(reply, "next", re.compile("done|again")) == "again",
        fails=fields.truth(reply, "fails"),
        message=fields.words(reply, "message"),
        summary=fields.page(reply, "summary"),
    )


def refusal_in(body: bytes) -> Refusal:
    """Read an error answer; what is missing or odd in it is left out."""
    try:
        reply = decode(body)
    except InvalidReply:
        reply = {}
    code = reply.get("error")
    seconds = reply.get("retry_after")
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    return Refusal(
        code=code if isinstance(code, str) and _CODE.fullmatch(code) else "",
        message=fields.words(reply, "message"),
        advice=fields.words(reply, "advice"),
        retry_after_seconds=float(min(max(0.2, seconds or 0), 30)) if is_number else 1.0,
    )


def _planned(
    reply: dict[str, Any], *, may_build: bool
) -> tuple[tuple[Planned, ...], Planned | None]:
    """Read what the revision reaches, and the template that may stand behind it."""
    items = reply.get("databases")
    if not isinstance(items, list) or not 1 <= len(items) <= 4:
        raise InvalidReply("`databases` is not a list of one to four")
    if not all(isinstance(item, dict) for item in items):
        raise InvalidReply("`databases` holds something else than objects")
    planned = tuple(
        Planned(
            environment=fields.matching(item, "environment", _PLANNED),
            database=fields.matching(item, "database", _DATABASE),
        )
        for item in items
    )
    for values in ([p.environment for p in planned], [p.database for p in planned]):
        if len(set(values)) != len(values):
            raise InvalidReply("it names a database twice")
    if any(one.is_template for one in (planned[:-1] if may_build else planned)):
        raise InvalidReply("it names a template where there is none to build")
    return (planned[:-1], planned[-1]) if planned[-1].is_template else (planned, None)


def _seeds(reply: dict[str, Any], *, may_seed: bool) -> bool:
    seeds = fields.truth(reply, "seed")
    if seeds and not may_seed:
        raise InvalidReply("it asks for a seed where there is no seed command")
    return seeds
