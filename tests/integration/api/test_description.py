"""The API describes itself: OpenAPI 3.1 for programs, a page for people."""

from dataclasses import fields

import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.core.assignments import Policies
from app.web.api.app_models import PoliciesGiven, PoliciesShown
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


def test_every_rule_of_an_assignment_can_be_given_and_is_shown() -> None:
    names = {field.name for field in fields(Policies)}

    assert set(PoliciesGiven.model_fields) == names
    assert set(PoliciesShown.model_fields) == names
