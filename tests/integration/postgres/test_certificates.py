"""A server whose certificate is held against its own CA, while files come and go."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.instances import Address, AdminLogin, SslMode
from app.postgres import certificates
from app.postgres.probe import probe
from tests.integration.tls import LOCALHOST, certificate, listening, terminating


@pytest.fixture
def trusting(tmp_path: Path, postgres_admin: AdminLogin) -> Iterator[AdminLogin]:
    """The tests' server behind TLS, whose certificate only its own CA vouches for."""
    context, pem = certificate(tmp_path, LOCALHOST)
    address = postgres_admin.address
    with listening(terminating(context, address.host, address.port)) as port:
        behind = Address(
            host="localhost", port=port, sslmode=SslMode.VERIFY_FULL, ca_certificate=pem
        )
        yield replace(postgres_admin, address=behind)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process keeps certificates, put back after the test."""
    monkeypatch.setattr(certificates, "_places", [])
    monkeypatch.setattr(certificates, "_own", {})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "certificates"


def ca_file(admin: AdminLogin) -> Path:
    return Path(certificates.root_certificate(admin.address) or "")


@pytest.mark.parametrize("is_kept", [True, False], ids=["data directory", "own folder"])
@pytest.mark.parametrize("loss", ["file", "folder", "content"])
def test_an_instance_works_on_when_its_ca_file_is_lost(
    trusting: AdminLogin, places: Path, loss: str, *, is_kept: bool
) -> None:
    if is_kept:
        certificates.keep_in(places)
    assert probe(trusting).is_usable

    match loss:
        case "file":
            ca_file(trusting).unlink()
        case "folder":
            shutil.rmtree(ca_file(trusting).parent)
        case _:
            ca_file(trusting).write_text("")

    assert probe(trusting).is_usable


def test_a_ca_is_kept_once_where_only_we_can_read_it(trusting: AdminLogin, places: Path) -> None:
    certificates.keep_in(places)

    first, second = ca_file(trusting), ca_file(trusting)

    assert first == second
    assert first.parent == places
    assert (first.stat().st_mode & 0o777, places.stat().st_mode & 0o777) == (0o600, 0o700)
    assert os.listdir(places) == [first.name]


def test_a_folder_that_takes_nothing_is_done_without(trusting: AdminLogin, places: Path) -> None:
    places.write_text("a file is here")
    certificates.keep_in(places)

    assert probe(trusting).is_usable


def write(folder: Path, address: Address) -> str:
    certificates.keep_in(folder)
    return Path(certificates.root_certificate(address) or "").read_text()


def test_many_processes_write_one_file(trusting: AdminLogin, places: Path) -> None:
    with ProcessPoolExecutor(4) as processes:
        asked = [processes.submit(write, places, trusting.address) for _ in range(40)]
        read = {each.result() for each in asked}

    assert read == {trusting.address.ca_certificate}
    assert len(os.listdir(places)) == 1
