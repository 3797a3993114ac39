"""The API against its own description: whatever it allows is answered as it says."""

from dataclasses import dataclass
from typing import Any, cast
from unittest.mock import Mock

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
from app.core.people import OPERATOR
from app.web.application import create_app
from tests.integration.api.office import Office
from tests.integration.runs.shop import Job, Shop

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# These would start a server, or reach for one, in each example that is right: the name is taken.
_MAKE_INSTANCES = ("/api/v1/instances/provision", "/api/v1/instances/link")
_OF_JOBS = "/api/v1/runs"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Who asks: an operator, with a database to be found by luck, and a job with a run."""

    office: Office
    job: Job

    def token_for(self, operation: Any) -> str:
        if operation.path.startswith(_OF_JOBS):
            return self.job.shop.github.token_for(self.job.run, **self.job.claims)
        # A new one each time: some operations revoke tokens, this one among them.
        return self.office.token(OPERATOR)

    def aimed(self, operation: Any, case: Any) -> Any:
        """The example, at what is there: another run or app is refused before anything else."""
        if operation.path in _MAKE_INSTANCES:
            case.body["name"] = "tenants"
        if operation.path == _OF_JOBS:
            case.body["app"] = self.job.shop.app_id
        elif operation.path.startswith(_OF_JOBS):
            case.path_parameters["run"] = self.job.id
        return case


@pytest.fixture(scope="module")
def desk(office: Office) -> Desk:
    office.database(office.new_app(), Environment.PREVIEW)
    app_id = office.new_app()
    shop = Shop(office.world, app_id=app_id)
    shop.push("feature/schema")
    job = shop.job("feature/schema").begun(app=app_id)
    job.given("branch")
    return Desk(office=office, job=job)


def operations() -> list[Any]:
    """Every operation of the description, which needs no service to run."""
    app = create_app(Mock(), Config.from_environ({}), Mock())
    described = schemathesis.openapi.from_dict(app.api_doc)
    # Who may ask is tried elsewhere; here it would be all that is ever wrong about a request.
    described.config.generation.update(with_security_parameters=False)
    return [cast(Any, found).ok() for found in described.get_all_operations()]


def is_asked_anything(operation: Any) -> bool:
    """Whether there is something about it that could be wrong."""
    parts = (operation.query, operation.body, operation.path_parameters)
    return any(len(part) for part in parts)


# Not schemathesis' own way: under pytest 9.2 its tests all have one name, and xdist runs only one.
OPERATIONS = operations()
each = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)


@each
def test_answers_are_as_described(operation: Any, desk: Desk) -> None:
    ask(operation, GenerationMode.POSITIVE, desk)


@pytest.mark.parametrize(
    "operation",
    [one for one in OPERATIONS if is_asked_anything(one)],
    ids=lambda one: one.label,
)
def test_what_is_not_described_is_refused(operation: Any, desk: Desk) -> None:
    ask(operation, GenerationMode.NEGATIVE, desk)


def ask(operation: Any, mode: GenerationMode, desk: Desk) -> None:
    is_right = mode is GenerationMode.POSITIVE

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
        headers = {"Authorization": f"Bearer {desk.token_for(operation)}"}
        answer = (desk.aimed(operation, case) if is_right else case).call_and_validate(
            base_url=desk.office.url, headers=headers, checks=CHECKS, timeout=30
        )
        assert answer.status_code != 401
        if is_right:
            # What is described as right is never refused for its form.
            assert "These fields are wrong" not in answer.text, case.body

    examples()
