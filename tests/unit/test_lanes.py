"""Which threads a request gets."""

import pytest

from app.processes.front.lanes import ROOMS, Lane, lane_of


@pytest.mark.parametrize(
    ("path", "lane"),
    [
        ("/webhooks/github", Lane.WEBHOOKS),
        ("/healthz", Lane.HEALTH),
        ("/readyz", Lane.STATE),
        ("/readyz/web", Lane.STATE),
        ("/metrics", Lane.STATE),
        ("/api/v1/runs", Lane.RUNS),
        ("/api/v1/runs/7/databases/branch", Lane.RUNS),
        ("/api/v1/runs/7/databases/branch/result", Lane.RUNS),
        ("/api/v1/runs/7/databases/branch/renew", Lane.RENEWALS),
        ("/api/v1/databases/7", Lane.PAGES),
        ("/", Lane.PAGES),
        # Another way of writing it has no place among what is always answered.
        ("//webhooks/github", Lane.PAGES),
        ("/webhooks%2Fgithub", Lane.PAGES),
        ("/healthz/", Lane.PAGES),
        ("/api/v1/runs/7/databases/branch/renew/../../../x", Lane.RUNS),
        ("/api/v1/runsx", Lane.PAGES),
        ("*", Lane.PAGES),
        ("", Lane.PAGES),
    ],
)
def test_a_path_has_a_lane(path: str, lane: Lane) -> None:
    assert lane_of(path) is lane


def test_every_lane_has_room() -> None:
    assert set(ROOMS) == set(Lane)
