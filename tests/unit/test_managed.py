"""Services that run PostgreSQL for others are known, and advice fits what can be done there."""

from dataclasses import replace
from typing import Any

import pytest

from app.core import managed
from app.core.addresses import is_verified
from app.core.instances import Address, SslMode
from app.core.managed import Managed
from app.postgres.findings import list_findings
from tests.unit.test_findings import GOOD_ROLE, GOOD_SERVER


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"roles": ["rds_superuser", "postgres"]}, managed.RDS),
        ({"families": ["plpgsql", "rds"]}, managed.RDS),
        ({"host": "shop.abc.eu-central-1.rds.amazonaws.com"}, managed.RDS),
        ({"roles": ["cloudsqlsuperuser"]}, managed.CLOUD_SQL),
        ({"roles": ["azure_pg_admin"]}, managed.AZURE),
        ({"roles": ["supabase_admin"]}, managed.SUPABASE),
        ({"roles": ["neon_superuser"]}, managed.NEON),
        ({"families": ["cnpg"]}, managed.CLOUDNATIVEPG),
        ({"host": "p.abc.db.postgresbridge.com"}, managed.CRUNCHY_BRIDGE),
        ({"roles": ["_crunchyrepl"]}, managed.CRUNCHY_OPERATOR),
        ({"may_alter_system": False}, managed.UNKNOWN),
        ({"host": "db.example.com", "families": ["plpgsql"]}, None),
        ({"host": "rds.amazonaws.com.evil.example"}, None),
    ],
)
def test_a_service_is_known_by_what_only_it_has(
    facts: dict[str, Any], expected: Managed | None
) -> None:
    assert replace(GOOD_SERVER, **facts).managed is expected


LACKING: dict[str, Any] = {
    "connections": 20,
    "reserved_connections": 0,
    "prepared_transactions": 10,
    "left_behind": [["3ba03b-preview", "3ba03b-preview-j1", "3ba03b-preview-u"]],
    "open_databases": ["rdsadmin", "postgres"],
}


@pytest.mark.parametrize("one", [*managed.ALL, managed.UNKNOWN], ids=lambda one: one.name)
def test_nobody_is_told_to_alter_the_system_of_a_managed_server(one: Managed) -> None:
    facts: dict[str, Any] = {"roles": [*one.roles], "families": [*one.families]}
    if one.hosts:
        facts["host"] = f"x{one.hosts[0]}"
    server = replace(GOOD_SERVER, **LACKING, **facts, may_alter_system=False)
    role = replace(
        GOOD_ROLE,
        may_end_sessions=False,
        may_limit_temp_files=False,
        may_use_reserved_connections=False,
    )

    found = {finding.code: finding.advice for finding in list_findings(role, server)}

    assert "ALTER SYSTEM" not in " ".join(found.values())
    for code in ("max_connections", "reserved_connections", "prepared_transactions"):
        assert one.settings_at in found[code]
    if not one.has_superuser:
        assert "as a superuser" not in " ".join(found.values())


def test_databases_that_are_the_services_own_are_not_complained_about() -> None:
    server = replace(GOOD_SERVER, roles=["rds_superuser"], open_databases=["rdsadmin", "postgres"])

    [finding] = list_findings(GOOD_ROLE, server)

    assert "rdsadmin" not in finding.message + finding.advice
    assert list_findings(GOOD_ROLE, replace(server, open_databases=["rdsadmin"])) == ()


def test_the_bundle_of_a_hosts_own_region_is_named() -> None:
    advice = managed.certificate_at("shop.abc.eu-central-1.rds.amazonaws.com")

    assert advice is not None
    assert "/eu-central-1/eu-central-1-bundle.pem" in advice
    assert managed.certificate_at("db.example.com") is None


@pytest.mark.parametrize(
    ("mode", "ca", "expected"),
    [
        (SslMode.DISABLE, None, False),
        (SslMode.PREFER, "PEM", False),
        (SslMode.REQUIRE, "PEM", False),
        (SslMode.VERIFY_CA, None, False),
        (SslMode.VERIFY_CA, "PEM", True),
        (SslMode.VERIFY_FULL, None, True),
    ],
)
def test_only_who_holds_the_servers_own_certificate_is_the_server(
    mode: SslMode, ca: str | None, expected: bool
) -> None:
    address = Address(host="127.0.0.1", port=5432, sslmode=mode, ca_certificate=ca)

    assert is_verified(address) is expected
