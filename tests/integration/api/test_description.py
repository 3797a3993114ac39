"""The API describes itself: OpenAPI 3.1 for programs, a page for people."""

import re
from dataclasses import fields
from typing import Any

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.core.assignments import Policies
from tests.integration.api.office import Office


def document(office: Office) -> dict[str, object]:
    answer = office.ask("GET", "/api/openapi.json")
    found: dict[str, object] = answer.json()
    return found


def test_the_description_is_valid(office: Office) -> None:
    described = document(office)

    OpenAPIV31SpecValidator(described).validate()

    assert str(described["openapi"]).startswith("3.1")


def test_every_operation_says_what_it_does_and_who_may_ask(office: Office) -> None:
    described = document(office)
    schemes = described["components"]["securitySchemes"]  # type: ignore[index]

    for path, methods in described["paths"].items():  # type: ignore[attr-defined]
        for method, operation in methods.items():
            assert operation["summary"].endswith("."), f"{method} {path}"
            names = {name for one in operation.get("security", []) for name in one}
            assert names <= set(schemes)
            assert names or path.startswith("/api/v1/login"), f"{method} {path}"


def test_the_page_names_every_operation_and_loads_nothing_foreign(office: Office) -> None:
    answer = requests.get(f"{office.url}/api", headers={"Accept": "text/html"}, timeout=30)

    assert answer.status_code == 200
    for path, methods in document(office)["paths"].items():  # type: ignore[attr-defined]
        for method in methods:
            assert f"{method.upper()} {path}" in answer.text
    assert "//" not in answer.text.replace(office.url, "").replace("postgresql://", "").replace(
        "prisma://", ""
    )


def test_the_page_begins_with_its_parts(office: Office) -> None:
    page = requests.get(f"{office.url}/api", headers={"Accept": "text/html"}, timeout=30).text

    _, _, contents = page.partition('aria-label="On this page"')
    links = re.findall(r'href="#([^"]+)"', contents.partition("</nav>")[0])

    tags = [tag["name"] for tag in document(office)["tags"]]  # type: ignore[attr-defined]
    assert links == ["security", *tags, "schemas"]
    assert set(links) <= set(re.findall(r'<h2 id="([^"]+)"', page))


def test_every_rule_of_an_assignment_can_be_given_and_is_shown(office: Office) -> None:
    schemas: Any = document(office)["components"]

    for name in ("PoliciesGiven", "Policies"):
        properties = schemas["schemas"][name]["properties"]
        assert set(properties) == {field.name for field in fields(Policies)}


def report(office: Office, **body: Any) -> str:
    """What a run's result is answered whose form is wrong."""
    path = "/api/v1/runs/1/databases/branch/result"
    sent = {"result": "success", "duration_seconds": 1, **body}
    return str(office.ask("POST", path, "a.b.c", sent).json()["message"])


def test_a_seed_after_a_failure_is_named_as_what_is_wrong(office: Office) -> None:
    seed = {"result": "success", "duration_seconds": 1}

    assert report(office, result="failure", seed=seed).endswith("unknown: seed.")
    assert "unknown" not in report(office, seed=seed)


def test_a_body_that_is_no_object_is_named_too(office: Office) -> None:
    answer = office.ask("POST", "/api/v1/tokens", office.people["operator"], [1])  # type: ignore[arg-type]

    assert answer.status_code == 400
    assert "unknown: ." not in answer.json()["message"]


@pytest.mark.parametrize(("minutes", "is_one"), [(160.0, True), (160.5, False), ("160", False)])
def test_an_integer_is_one_however_it_is_written(
    office: Office, minutes: object, is_one: bool
) -> None:
    body = {"step": "a" * 16, "timeout_minutes": minutes}

    message = office.ask("POST", "/api/v1/runs", "a.b.c", body).json()["message"]

    assert ("unknown: timeout_minutes." not in message) is is_one


def test_texts_that_cannot_be_stored_are_described_as_such(office: Office) -> None:
    schemas: Any = document(office)["components"]
    pattern = schemas["schemas"]["StartRun"]["properties"]["seed_command"]["not"]["pattern"]

    answer = office.ask("POST", "/api/v1/runs", "a.b.c", {"step": "a" * 16, "seed_command": "a\0b"})

    assert re.search(pattern, "a\0b")
    assert not re.search(pattern, "a\nb")
    assert answer.json()["message"].endswith("unknown: seed_command.")
