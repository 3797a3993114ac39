"""What is watched meanwhile: each change of a row, and the birth of each physical database."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from chaos.ledger import Place
from chaos.servers import Server
from chaos.site import Site

_LOOK_SECONDS = 0.3
# As the superuser, so that the service's role needs no rights there.
_WATCH = """
    CREATE SCHEMA chaos;
    CREATE TABLE chaos.history (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at double precision NOT NULL DEFAULT extract(epoch FROM clock_timestamp()),
        old jsonb, new jsonb NOT NULL
    );
    CREATE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog AS $$
    BEGIN
        INSERT INTO chaos.history (old, new)
        VALUES (CASE WHEN tg_op = 'UPDATE' THEN to_jsonb(old) - 'password' END,
            to_jsonb(new) - 'password');
        RETURN NULL;
    END $$;
    CREATE TRIGGER chaos AFTER INSERT OR UPDATE ON coppice.databases
        FOR EACH ROW EXECUTE FUNCTION chaos.note();
"""
# The file is written when the database is made, and again when that is replayed after a crash.
_BIRTHS = """
    SELECT oid::bigint, datname,
        extract(epoch FROM (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification)
    FROM pg_database
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a row of the table of databases."""

    at: float
    old: Mapping[str, Any]
    """Empty for a new row."""
    new: Mapping[str, Any]

    @property
    def place(self) -> Place:
        new = self.new
        return Place(app=new["app_id"], environment=new["environment"], branch=new["branch"] or "")

    def begins(self, name: str) -> bool:
        """Whether something became true of it."""
        return bool(self.new.get(name)) and not self.old.get(name)

    @property
    def is_fresh_start(self) -> bool:
        """A Reset or rebuild begins: its data will be gone."""
        now = self.new["generation"]
        return bool(now > self.old.get("generation", now))

    @property
    def is_unwanted(self) -> bool:
        """Somebody wants it dropped now."""
        return self.begins("is_unwanted")


@dataclass(slots=True, kw_only=True)
class Birth:
    """One physical database."""

    names: list[str]
    at: float


@dataclass(kw_only=True)
class Births:
    """All physical databases that were ever seen, by instance and oid."""

    found: dict[tuple[str, int], Birth] = field(default_factory=dict)

    def look(self, name: str, session: psycopg.Connection[Any]) -> None:
        """Look at what is there now."""
        for oid, database, at in session.execute(_BIRTHS).fetchall():
            if at is None:
                continue
            birth = self.found.setdefault((name, oid), Birth(names=[], at=float(at)))
            birth.at = min(birth.at, float(at))
            if database not in birth.names:
                birth.names.append(database)


def watch(site: Site) -> Births:
    """From now on everything is noted, until the site is over."""
    with site.state_session() as session:
        session.execute(_WATCH)
    births = Births()
    for name, server in site.instances.items():
        threading.Thread(
            target=_look_on, args=[site, births, name, server], name=f"births {name}", daemon=True
        ).start()
    return births


def changes(site: Site) -> list[Change]:
    """Every change until now, in order."""
    with site.state_session() as session:
        rows = session.execute("SELECT at, old, new FROM chaos.history ORDER BY number").fetchall()
    return [Change(at=at, old=old or {}, new=new) for at, old, new in rows]


def save(site: Site, births: Births, folder: Path) -> None:
    """For whoever looks into a failure: of a change only what changed."""
    lines = [
        {"at": one.at, "id": one.new["id"], "name": one.new["name"], **_difference(one)}
        for one in changes(site)
    ]
    _write(folder / "history.jsonl", lines)
    found = sorted(births.found.items(), key=lambda item: item[1].at)
    _write(
        folder / "births.jsonl",
        [{"at": b.at, "instance": key[0], "oid": key[1], "names": b.names} for key, b in found],
    )


def _difference(change: Change) -> dict[str, Any]:
    return {
        name: value
        for name, value in change.new.items()
        if name not in ("id", "name") and value != change.old.get(name)
    }


def _look_on(site: Site, births: Births, name: str, server: Server) -> None:
    while not site.over.is_set():
        try:
            with server.connect() as session:
                while not site.over.wait(_LOOK_SECONDS):
                    births.look(name, session)
        except psycopg.Error:
            time.sleep(_LOOK_SECONDS)  # it is away just now


def _write(file: Path, lines: list[dict[str, Any]]) -> None:
    file.write_text("".join(f"{json.dumps(line, default=str)}\n" for line in lines))
