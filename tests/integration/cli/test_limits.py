"""Limiting instances and handing them over from the command line."""

import json
from typing import Any

import pytest

from tests.integration.serve.installation import Installation


@pytest.fixture
def linked(coppice: Installation, server_url: str) -> Installation:
    coppice.ok("instances", "link", "main", "--url", server_url)
    return coppice


def shown(coppice: Installation, name: str = "main") -> dict[str, Any]:
    record: dict[str, Any] = json.loads(coppice.ok("instances", "show", name, "--json"))
    return record


def test_limits_add_up_and_go_one_by_one(linked: Installation) -> None:
    linked.ok("instances", "limit", "main", "--databases", "20", "--connections", "5")
    linked.ok("instances", "limit", "main", "--database-size", "500MB", "--freeze")
    linked.ok("instances", "limit", "main", "--connections", "none", "--total-size", "1.5GB")

    assert shown(linked)["limits"] == (
        "20 databases, 500 MB each, 1.5 GB in all, too large ones are frozen"
    )
    linked.ok("instances", "limit", "main", "--database-size", "none")
    assert shown(linked)["limits"] == "20 databases, 1.5 GB in all"


def test_how_many_connections_hold_is_told_and_why_not_as_many_as_asked(
    linked: Installation,
) -> None:
    assert shown(linked)["connections"].startswith("40 for each login, 60 to each database")

    set_ = linked.run("instances", "limit", "main", "--connections", "9000")

    assert "not 9000: the server has" in set_.stderr
    assert "not 9000: the server has" in shown(linked)["connections"]


def test_an_instance_has_no_limits_by_itself(linked: Installation) -> None:
    assert shown(linked)["limits"] == "no limits"


NOT_MEANT = (
    "--databases 0",
    "--databases many",
    "--database-size huge",
    "--database-size 7MB",
    "--connections -1",
    "--freeze",
)


def test_limits_that_cannot_be_meant_change_nothing(
    linked: Installation, subtests: pytest.Subtests
) -> None:
    for arguments in NOT_MEANT:
        with subtests.test(arguments):
            finished = linked.run("instances", "limit", "main", *arguments.split())

            assert finished.returncode in {1, 2}
            assert "Traceback" not in finished.stderr
    assert shown(linked)["limits"] == "no limits"


def test_a_linked_server_is_not_handed_over(linked: Installation) -> None:
    finished = linked.run("instances", "offer", "main")

    assert finished.returncode == 1
    assert "belongs to who runs it" in finished.stderr


def test_a_link_that_nobody_could_use_is_not_made(
    coppice: Installation, connected: Installation
) -> None:
    settings = dict(connected.settings)
    coppice.ok("instances", "provision", "local")
    without_log_in = coppice.run("instances", "offer", "local")
    coppice.settings = {
        name: value for name, value in settings.items() if not name.startswith("COPPICE_GITHUB_")
    }
    without_app = coppice.run("instances", "offer", "local")

    for finished, first in (
        (without_log_in, "COPPICE_GITHUB_CLIENT_ID"),
        (without_app, "/setup as an operator first"),
    ):
        assert finished.returncode == 1
        assert finished.stdout == ""
        assert "nobody could" in finished.stderr
        assert first in finished.stderr


def test_the_link_alone_goes_to_standard_output(connected: Installation) -> None:
    coppice = connected
    coppice.settings = {
        **coppice.settings,
        "COPPICE_GITHUB_CLIENT_ID": "Iv1.0123456789abcdef",
        "COPPICE_GITHUB_CLIENT_SECRET": "of-this-test",
    }
    coppice.ok("instances", "provision", "local")

    finished = coppice.run("instances", "offer", "local", "--days", "2", "--databases", "50")

    assert finished.returncode == 0
    [link] = finished.stdout.split()
    assert "/claim/" in link
    assert "50 databases" in finished.stderr
