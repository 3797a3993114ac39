"""From a delivery to a ready database, against a bare CREATE DATABASE on the same server."""

import json
import time
from dataclasses import dataclass

from psycopg import sql

from bench.intake import connect, deliver
from bench.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """One pair; all times in milliseconds."""

    bare: float
    whole: float
    """From the moment GitHub sends the delivery until the database is ready."""
    github: float
    """GitHub's own part in that."""

    @property
    def overhead(self) -> float:
        return self.whole - self.github - self.bare


def measure_creation(site: Site, number: int) -> Creation:
    """Make one database each way, in turn which comes first."""
    if number % 2:
        bare = _bare(site, number)
        whole, github = _delivered(site, number)
    else:
        whole, github = _delivered(site, number)
        bare = _bare(site, number)
    return Creation(bare=bare * 1000, whole=whole * 1000, github=github * 1000)


def _bare(site: Site, number: int) -> float:
    name = sql.Identifier(f"bare-{number}")
    start = time.perf_counter()
    site.tenants.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
    seconds = time.perf_counter() - start
    site.tenants.execute(sql.SQL("DROP DATABASE {}").format(name))
    return seconds


def _delivered(site: Site, number: int) -> tuple[float, float]:
    branch = f"bench-{number}"
    site.github.hook.hold()
    site.github.push(site.repository, branch)
    (push,) = [each for each in site.github.hook.held() if each.event == "push"]
    site.github.hook.release([])
    body = json.dumps(push.payload).encode()
    connection = connect(site.service.url)
    start = time.time()
    deliver(connection, body, site.github.hook.signature(body))
    end = site.ready_at(branch)
    site.quiet()
    return end - start, site.github.busy_seconds(start, end)
