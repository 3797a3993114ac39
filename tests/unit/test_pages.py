"""Where readers at GitHub find the dashboard."""

import pytest

from app.core.pages import dashboard_for_readers

GITHUB = "https://github.com"


@pytest.mark.parametrize(
    ("public_url", "github_url", "is_given"),
    [
        ("https://coppice.example.com", GITHUB, True),
        ("http://coppice.lan", GITHUB, True),
        ("http://127.0.0.1:8000", GITHUB, False),
        ("http://localhost:8000", GITHUB, False),
        ("http://0.0.0.0:8000", GITHUB, False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:9000", True),
    ],
)
def test_readers_are_not_led_to_their_own_machine(
    public_url: str, github_url: str, *, is_given: bool
) -> None:
    found = dashboard_for_readers(public_url, github_url=github_url)

    assert found == (public_url if is_given else None)
