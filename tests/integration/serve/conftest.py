"""Installations in folders of their own; every process of theirs is gone after the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.vault import new_key
from tests.integration.serve.installation import Installation, url_of


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """With an embedded state database, as it is for somebody who sets nothing."""
    made = Installation(folder=tmp_path)
    yield made
    made.close()


@pytest.fixture
def installation_on_server(tmp_path: Path, state_dsn: str) -> Iterator[Installation]:
    """With a state database on a server of its own."""
    settings = {"COPPICE_DATABASE_URL": url_of(state_dsn), "COPPICE_SECRET_KEYS": new_key()}
    made = Installation(folder=tmp_path, settings=settings)
    yield made
    made.close()
