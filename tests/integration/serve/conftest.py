"""Installations in folders of their own; every process of theirs is gone after the test."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.store.vault import new_key
from tests.integration.serve.installation import Installation, free_port, url_of


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


@pytest.fixture
def machines(installation_on_server: Installation, tmp_path: Path) -> Iterator[list[Installation]]:
    """Two machines: they share settings and the state database, and nothing else."""
    second = replace(
        installation_on_server, folder=tmp_path / "second", port=free_port(), started=[]
    )
    second.folder.mkdir()
    yield [installation_on_server, second]
    second.close()
