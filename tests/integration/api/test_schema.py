"""The API against its own description: whatever it allows is answered as it says."""

from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from app.config import Config
from app.core.environments import Environment
from app.web import create_app
from tests.integration.api.office import Office

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# What would start servers, or reach for others, for each example.
_NOT_HERE = "/instances/(provision|link)$"


@pytest.fixture(scope="module")
def token(office: Office) -> str:
    """An operator's; there is an app with a database to be found by luck."""
    app_id = office.new_app()
    office.database(app_id, Environment.PREVIEW)
    return office.people["operator"]


def operations() -> list[Any]:
    """Every operation of the description, which needs no service to run."""
    app = create_app(cast(Any, None), Config.from_environ({}), cast(Any, None))
    described = schemathesis.openapi.from_dict(app.api_doc).exclude(path_regex=_NOT_HERE)
    return [cast(Any, found).ok() for found in described.get_all_operations()]


def is_asked_anything(operation: Any) -> bool:
    """Whether there is something about it that could be wrong."""
    parts = (operation.query, operation.body, operation.path_parameters)
    return any(len(part) for part in parts)


# Not schemathesis' own way: under pytest 9.2 its tests all have one name, and xdist runs only one.
OPERATIONS = operations()
each = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)


@each
def test_answers_are_as_described(operation: Any, office: Office, token: str) -> None:
    ask(operation, GenerationMode.POSITIVE, office, token)


@pytest.mark.parametrize(
    "operation",
    [one for one in OPERATIONS if is_asked_anything(one)],
    ids=lambda one: one.label,
)
def test_what_is_not_described_is_refused(operation: Any, office: Office, token: str) -> None:
    ask(operation, GenerationMode.NEGATIVE, office, token)


def ask(operation: Any, mode: GenerationMode, office: Office, token: str) -> None:
    is_for_job = operation.path.startswith("/api/v1/runs")
    headers = {} if is_for_job else {"Authorization": f"Bearer {token}"}

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=10,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def examples(case: Any) -> None:
        case.call_and_validate(base_url=office.url, headers=headers, checks=CHECKS, timeout=30)

    examples()
