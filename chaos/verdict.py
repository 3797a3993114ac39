"""From the end of the troubles to what does not hold."""

import traceback
from collections.abc import Iterator

import psycopg

from chaos import catalogs, comebacks, comparison, data, healing, history
from chaos.healing import Unhealed
from chaos.history import Births
from chaos.site import Site


def reach(site: Site, births: Births) -> list[str]:
    """Heal it, compare everything, and say what does not hold."""
    try:
        healing.heal(site)
        found = list(_differences(site, births))
        comparison.push_everywhere(site)
        healing.rest(site)
        found += comparison.lacking(site)
    except Unhealed as unhealed:
        found = [str(unhealed), *_despite(site, births)]
    return [*site.ledger.complaints, *found]


def save(site: Site, births: Births) -> None:
    """Write down what was done and watched, beside the logs."""
    for server in site.servers:
        server.keep_log(site.logs)
    site.ledger.save(site.logs)
    try:
        history.save(site, births, site.logs)
    except psycopg.Error:
        (site.logs / "history.jsonl").write_text(traceback.format_exc())


def _differences(site: Site, births: Births) -> Iterator[str]:
    found = catalogs.look(site)
    for check in comparison.CHECKS:
        yield from check(site, found)
    for stranger in site.strangers:
        if not _is_cut(stranger):
            yield f"a run that died is still inside {stranger.info.dbname}"
    yield from _of_data(site, births, found)


def _of_data(site: Site, births: Births, found: catalogs.Found) -> Iterator[str]:
    stored = data.read(site, found)
    changes, deeds = history.changes(site), site.ledger.deeds
    yield from data.misplaced(stored)
    yield from data.unasked(changes, deeds)
    yield from comebacks.wrongly_set_aside(site.repositories, changes, deeds)
    yield from data.lost(site.ledger.written, stored, births=births, changes=changes, deeds=deeds)


def _despite(site: Site, births: Births) -> Iterator[str]:
    """What can be said of an installation that did not come to rest: whether data is lost."""
    try:
        yield from _of_data(site, births, catalogs.look(site))
    except psycopg.Error as error:
        yield f"nothing could be compared: {error}"


def _is_cut(session: psycopg.Connection[object]) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.Error:
        return True
    return False
