"""What GitHub does wrong: answers that fail, deliveries that come late, twice, or never."""

from random import Random

from chaos.developers import Deeds
from chaos.site import Site
from demo import interruption
from demo.github import faults
from demo.github.faults import Fault
from demo.github.model import Delivery

_ANYWHERE = ("", "", "/branches", "/compare", "/access_tokens", "/installation", "/check-runs")
# Where a single lie must not be believed: something else has to agree first.
_NOT_FOUND = (r"/app/installations/\d+$", r"^/repos/[^/]+/[^/]+$", "/compare/")
_MOST_AT_ONCE = 6


def fail(site: Site, draw: Random) -> None:
    """The next requests to some of the API are answered wrongly."""
    fault, words = _fault(draw)
    path, times = draw.choice(_ANYWHERE), draw.randint(1, _MOST_AT_ONCE)
    site.github.faults.plan(fault, path=path, times=times)
    site.ledger.note("GitHub fails", detail=f"{times} times {words} at {path or 'anything'}")


def not_found(site: Site, draw: Random) -> None:
    path = draw.choice(_NOT_FOUND)
    site.github.faults.plan(faults.not_found(), path=path, times=draw.randint(1, 2))
    site.ledger.note("GitHub says 404", detail=path)


def expire_tokens(site: Site, draw: Random) -> None:
    site.github.expire_tokens()
    site.ledger.note("GitHub forgets tokens")


def scramble(site: Site, draw: Random) -> None:
    """Hold deliveries for a while, then send them in another order, some twice, some never."""
    hook = site.github.hook
    hook.hold()
    try:
        interruption.pause(draw.uniform(0.5, 5))
    finally:
        held = hook.held()
        kept = [one for one in held if not (may_be_lost(one) and draw.random() < 0.3)]
        again = [one for one in kept if draw.random() < 0.3]
        order = [*kept, *again]
        draw.shuffle(order)
        hook.release(order)
    site.ledger.note("deliveries lost", detail=str(len(held) - len(kept)))
    site.ledger.note("deliveries scrambled", detail=f"{len(order)}, {len(again)} of them twice")


def repeat(site: Site, draw: Random) -> None:
    """Send an old delivery again."""
    if sent := site.github.deliveries:
        site.github.hook.redeliver(draw.choice(sent))
        site.ledger.note("delivery repeated")


def may_be_lost(delivery: Delivery) -> bool:
    """Whether a look at GitHub finds at once what this delivery tells.

    That a branch is gone has to be seen twice, ten minutes apart; that a run is over is not looked
    for, for its logins have an end of their own. Where the App is installed is looked for every ten
    minutes: until then nothing would happen here.
    """
    is_deletion = delivery.event == "delete" or bool(delivery.payload.get("deleted"))
    return not is_deletion and not delivery.event.startswith(("workflow_", "installation"))


def _fault(draw: Random) -> tuple[Fault, str]:
    return draw.choice(
        (
            (faults.server_error(), "502"),
            (faults.server_error(500), "500"),
            (faults.lost_answer(), "a lost answer"),
            (faults.dropped(), "a cut"),
            (faults.dropped(after_work=True), "a cut after the work"),
            (faults.slow(draw.uniform(0.5, 6)), "slowness"),
            (faults.truncated(), "half an answer"),
            (faults.html(), "a page"),
            (faults.secondary_limit(1), "a secondary limit"),
            (faults.too_many_requests(1), "429"),
            (faults.primary_limit(2), "a primary limit"),
            (faults.unauthorized(), "401"),
        )
    )


DEEDS: Deeds = {
    "fail": (6, fail),
    "not_found": (1, not_found),
    "expire_tokens": (1, expire_tokens),
    "scramble": (3, scramble),
    "repeat": (2, repeat),
}
