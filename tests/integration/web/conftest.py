"""The same service and people as for the API."""

from tests.integration.api.conftest import office as office
