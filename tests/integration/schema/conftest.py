"""Databases whose owner reads their schema."""

from tests.integration.trace.conftest import new_login as new_login
