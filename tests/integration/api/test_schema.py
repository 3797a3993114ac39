"""The API against its own description: whatever it allows is answered as it says."""

from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
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


def described() -> Any:
    """The description, which needs no service to run."""
    app = create_app(cast(Any, None), Config.from_environ({}), cast(Any, None))
    loaded = schemathesis.openapi.from_dict(app.api_doc)
    return loaded.exclude(path_regex=_NOT_HERE)


schema = described()


@schema.parametrize()  # type: ignore[untyped-decorator]
@settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(case: Any, office: Office, token: str) -> None:
    is_for_job = case.path.startswith("/api/v1/runs")
    headers = {} if is_for_job else {"Authorization": f"Bearer {token}"}

    case.call_and_validate(base_url=office.url, headers=headers, checks=CHECKS, timeout=30)
