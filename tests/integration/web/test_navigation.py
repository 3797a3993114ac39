"""The frame of every page: which part of the dashboard one is in."""

import re

import pytest

from app.core.environments import Environment
from tests.integration.api.office import Office

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/instances", [("page", "Instances")]),
        ("/instances/tenants", [("true", "Instances")]),
        ("/provision", [("true", "Instances")]),
        ("/link", [("true", "Instances")]),
        ("/apps", [("page", "Apps")]),
        ("/assign", [("true", "Apps")]),
        ("/databases/{database}/reset", [("true", "Apps")]),
        ("/databases/{database}/delete", [("true", "Apps")]),
        ("/tokens", [("page", "Tokens")]),
        ("/api", [("page", "API")]),
        ("/login/device", []),
    ],
)
def test_the_part_that_a_page_belongs_to_is_marked(
    office: Office, path: str, marked: list[tuple[str, str]]
) -> None:
    database = office.database(office.new_app(), Environment.PREVIEW)
    asked = path.format(database=database.id)

    page = office.ask("GET", asked, office.people["operator"], headers=HTML)

    assert re.findall(r'aria-current="(\w+)">(\w+)<', page.text) == marked
