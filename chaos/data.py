"""The rows of data: none in a foreign place, none lost without a request."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from chaos.catalogs import Catalog, Found, Row, place_of
from chaos.history import Births, Change
from chaos.ledger import Deed, Place, Written
from chaos.site import Site

# Clocks of the servers and of the actors are one, but a file's time is a little older than its
# database, and a deed is written down a little after it began.
_MARGIN_SECONDS = 0.5
_REQUESTS = ("reset:", "drop:", "/db reset", "preview failed")
_STORED = "SELECT token, app, environment, branch FROM public.chaos"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A row of data as it was found."""

    token: str
    place: Place
    instance: str
    row: Row
    """Of the state database: what it stands in."""


def read(site: Site, found: Found) -> list[Stored]:
    """What stands in every database, the closed ones too; these are opened for it."""
    stored: list[Stored] = []
    for instance, catalog in found.catalogs.items():
        for name, row in found.standing(instance).items():
            if name in catalog.databases:
                stored += _inside(site, catalog, row)
    return stored


def _inside(site: Site, catalog: Catalog, row: Row) -> Iterator[Stored]:
    server, instance, name = site.instances[catalog.instance], catalog.instance, str(row["name"])
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    rows = []
    with server.connect() as session:
        is_open = bool(catalog.databases[name]["is_open"])
        session.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
        with server.connect(name) as inside, suppress(psycopg.errors.UndefinedTable):
            rows = inside.execute(_STORED).fetchall()
        session.execute(allow.format(sql.Identifier(name), sql.SQL("true" if is_open else "false")))
    for token, app, environment, branch in rows:
        place = Place(app=app, environment=environment, branch=branch)
        yield Stored(token=token, place=place, instance=instance, row=row)


def misplaced(stored: Sequence[Stored]) -> Iterator[str]:
    """Rows that stand in the database of another place."""
    for one in stored:
        if one.place != place_of(one.row):
            yield f"row {one.token} of {one.place} stands in {one.row['name']}"


def lost(
    written: Sequence[Written],
    stored: Sequence[Stored],
    *,
    births: Births,
    changes: Sequence[Change],
    deeds: Sequence[Deed],
) -> Iterator[str]:
    """Rows that were confirmed and are not where they should be, without anybody's wish."""
    where: dict[str, Row] = {one.token: one.row for one in stored}
    for row in written:
        birth = births.found.get((row.instance, row.oid))
        if birth is None:
            continue  # it came and went between two looks
        since = birth.at - _MARGIN_SECONDS
        if row.token not in where:
            if not any(_may_empty(change, row.place, since) for change in changes):
                yield (
                    f"row {row.token} of {row.place}, confirmed in {row.database} (oid {row.oid}"
                    f" on {row.instance}), is lost, and since that database was made nobody"
                    " wanted it emptied or dropped"
                )
        elif not where[row.token]["is_live"] and not _was_ended(deeds, row.place, since):
            yield (
                f"row {row.token} of {row.place} was set aside in {where[row.token]['name']},"
                " and its branch was never deleted"
            )


def _may_empty(change: Change, place: Place, since: float) -> bool:
    return _is_end(change) and change.place == place and change.at >= since


def _is_end(change: Change) -> bool:
    return change.is_fresh_start or change.is_unwanted


def _was_ended(deeds: Sequence[Deed], place: Place, since: float) -> bool:
    """Whether the branch was deleted at GitHub, or its database by a person, since then."""
    ends = ("branch deleted", "delete:", "drop:")
    return any(
        deed.place == place and deed.kind.startswith(ends) and deed.until >= since for deed in deeds
    )


def unasked(changes: Sequence[Change], deeds: Sequence[Deed]) -> Iterator[str]:
    """Fresh starts and drops that nobody asked for; a request explains one of them."""
    requests = [deed for deed in deeds if deed.kind.startswith(_REQUESTS)]
    renamed = {deed.place for deed in deeds if deed.kind == "branch renamed"}
    for change in changes:
        if not _is_end(change) or change.place.environment == "dev-shadow":
            continue  # the shadow shares the life of `dev`
        asked = [deed for deed in requests if _explains(deed, change, renamed)]
        if asked:
            requests.remove(min(asked, key=lambda deed: deed.until))
        else:
            what = "dropped" if change.is_unwanted else "emptied"
            yield f"{change.place} (row {change.new['id']}) was to be {what}, unasked"


def _explains(deed: Deed, change: Change, renamed: set[Place | None]) -> bool:
    is_in_time = deed.at <= change.at <= deed.until + _MARGIN_SECONDS
    is_same_kind = deed.kind.startswith("drop:") is change.is_unwanted
    if not is_in_time or not is_same_kind or deed.place is None:
        return False
    # A pull request follows its branch to another name, and its commands with it.
    follows = deed.kind == "/db reset" and change.place in renamed
    if deed.place != change.place and not (follows and deed.place.app == change.place.app):
        return False
    return deed.database_id in (None, change.new["id"])
