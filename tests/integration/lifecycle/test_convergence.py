"""Whatever happens in whatever order, the databases end as the list of branches is."""

import random

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from app.core.databases import DatabaseState
from demo.github.model import Delivery
from tests.integration.lifecycle.world import World

BRANCHES = ["a", "b"]
STEPS = ["create", "push", "delete", "lose", "deliver", "repeat", "work", "reconcile"]
Step = tuple[str, str, int]


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(STEPS), st.sampled_from(BRANCHES), st.integers(0, 1000)),
        min_size=6,
        max_size=14,
    )
)
@settings(
    max_examples=6,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@seed(20)
def test_every_story_ends_as_the_branches_are(world: World, steps: list[Step]) -> None:
    if world.services.store.apps.assignment(world.app) is None:
        world.assign()
    for branch in BRANCHES:
        if world.github.branch_head(world.repository, branch):
            world.github.delete_branch(world.repository, branch)
    world.settle()

    tell(world, steps)
    end(world)

    for branch in BRANCHES:
        database = world.database(branch)
        lives = world.github.branch_head(world.repository, branch) is not None
        is_open = database is not None and database.state is DatabaseState.READY
        assert is_open is lives
    assert world.jobs() == []


def tell(world: World, steps: list[Step]) -> None:
    """People and faults, one after the other; deliveries wait until a step hands them over."""
    hook = world.github.hook
    hook.hold()
    waiting: list[Delivery] = []
    for word, branch, number in steps:
        order = random.Random(number)  # an order, not a secret
        waiting += [each for each in hook.held() if each not in waiting]
        if word in ("create", "push", "delete"):
            change(world, word, branch)
        elif word == "lose":
            waiting = [each for each in waiting if order.random() < 0.5]
        elif word in ("deliver", "repeat"):
            hook.release(order.sample(waiting, len(waiting)) * (2 if word == "repeat" else 1))
            hook.wait()
            hook.hold()
            waiting = []
        else:
            look(world, word)
    hook.release([])


def change(world: World, word: str, branch: str) -> None:
    """Somebody works at GitHub."""
    is_there = world.github.branch_head(world.repository, branch) is not None
    if word != "delete":
        world.github.push(world.repository, branch)
    elif is_there:
        world.github.delete_branch(world.repository, branch)


def look(world: World, word: str) -> None:
    """The service works off its jobs, or looks at everything ten minutes later."""
    if word == "work":
        world.work()
        return
    world.pass_time(minutes=11)
    world.reconcile()


def end(world: World) -> None:
    """Two periods of ten minutes without faults, and what the limits put off."""
    for _ in range(3):
        world.reconcile()
        world.pass_time(minutes=11)
    world.renew_budget()
    world.put_retries_forward()
    world.settle()
