"""What runners are told of encryption, held against what the server can do."""

from dataclasses import replace

import pytest

from app.core.findings import ServerReport
from app.core.instances import Address, AdminLogin, Instance, InstanceKind, SslMode
from app.operations.databases.encryption import with_demand
from tests.unit.databases import instance

ADMIN = Address(host="db.internal", port=5432, sslmode=SslMode.DISABLE)
INSTANCE = instance(
    admin=AdminLogin(address=ADMIN, user="coppice", password="x" * 20),
    public_address=replace(ADMIN, sslmode=SslMode.VERIFY_FULL),
)
WITHOUT = ServerReport(version="18.0", findings=(), has_tls=False)


def told(**change: object) -> Instance:
    return replace(INSTANCE, public_address=replace(INSTANCE.public_address, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize("sslmode", [SslMode.REQUIRE, SslMode.VERIFY_CA, SslMode.VERIFY_FULL])
def test_what_no_job_can_do_is_fatal_at_the_services_own_address(sslmode: SslMode) -> None:
    (finding,) = with_demand(told(sslmode=sslmode, host="DB.internal"), WITHOUT).findings

    assert (finding.code, finding.is_fatal) == ("public_tls", True)
    assert f"(sslmode {sslmode}) at DB.internal:5432" in finding.message
    assert "Set ssl = on" in finding.advice


@pytest.mark.parametrize("change", [{"host": "db.example.com"}, {"port": 6432}])
def test_another_address_may_have_something_that_encrypts(change: dict[str, object]) -> None:
    (finding,) = with_demand(told(**change), WITHOUT).findings

    assert not finding.is_fatal
    assert "Right if something in front of it encrypts" in finding.advice
    assert "If not: set ssl = on" in finding.advice


@pytest.mark.parametrize("has_tls", [True, None])
def test_a_server_that_can_or_was_not_asked_is_let_be(has_tls: bool | None) -> None:
    report = replace(WITHOUT, has_tls=has_tls)

    assert with_demand(INSTANCE, report) == report


@pytest.mark.parametrize("sslmode", [SslMode.DISABLE, SslMode.PREFER])
def test_who_demands_nothing_is_told_nothing(sslmode: SslMode) -> None:
    assert with_demand(told(sslmode=sslmode), WITHOUT) == WITHOUT


def test_a_provisioned_server_is_not_mended_in_its_files() -> None:
    (finding,) = with_demand(replace(INSTANCE, kind=InstanceKind.PROVISIONED), WITHOUT).findings

    assert "COPPICE_POSTGRES_BIN" in finding.advice
    assert "postgresql.conf" not in finding.advice
