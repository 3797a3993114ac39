"""How fast we may comment: GitHub counts, and people's mail fills up."""

from app.core.queues import COMMENTS
from app.core.repositories import Repository
from app.store.store import Store

_SECONDS_EACH = 9
"""An hour has room for 400 of them."""


def seconds_to_wait(store: Store, repository: Repository) -> int:
    """Take one write out of the installation's budget; 0, or how long to wait for the next."""
    if repository.installation_id is None:
        return 0  # the write itself says what is wrong
    seconds = store.checks.take_write(repository.installation_id, kind="comment")
    if not seconds:
        return 0
    # Spread, so that a storm's comments do not all wake up for the few writes that there are.
    return max(seconds, store.queue.waiting().get(COMMENTS, 0) * _SECONDS_EACH)
