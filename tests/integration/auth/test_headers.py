"""What every answer tells browsers."""

import pytest
from flask import Flask

from tests.integration.auth.conftest import MakeApplication

PATHS = ["/form", "/act", "/no/such/page", "/api/openapi.json", "/healthz", "/api/no"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_them(application: Flask, path: str) -> None:
    headers = application.test_client().get(path).headers

    policy = dict(
        part.partition(" ")[::2] for part in headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


def test_under_https_browsers_are_told_to_stay_there(make_application: MakeApplication) -> None:
    app = make_application(COPPICE_PUBLIC_URL="https://coppice.example.com")

    headers = app.test_client().get("/healthz").headers

    assert headers["Strict-Transport-Security"] == "max-age=31536000"
