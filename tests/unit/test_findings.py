"""What facts about a server mean: nothing is missed, and only what prevents work is fatal."""

from dataclasses import replace
from typing import Any

import pytest

from app.postgres.findings import RoleFacts, ServerFacts, list_findings

GOOD_ROLE = RoleFacts(
    name="coppice_admin",
    is_superuser=False,
    may_create_databases=True,
    may_create_roles=True,
    expires=False,
    may_end_sessions=True,
    may_use_reserved_connections=True,
    may_limit_temp_files=True,
)
GOOD_SERVER = ServerFacts(
    is_standby=False,
    is_pooled=False,
    is_encrypted=True,
    wants_encryption=True,
    connections=192,
    reserved_connections=5,
    prepared_transactions=0,
    can_make_utf8=True,
    open_databases=[],
    left_behind=[],
)


def test_a_good_server_needs_nothing() -> None:
    assert list_findings(GOOD_ROLE, GOOD_SERVER) == ()


@pytest.mark.parametrize(
    ("change", "code", "is_fatal", "advice"),
    [
        ({"may_create_databases": False}, "createdb", True, 'ALTER ROLE "coppice_admin" CREATEDB;'),
        ({"may_create_roles": False}, "createrole", True, "CREATEROLE;"),
        ({"is_superuser": True}, "superuser", False, "CREATEDB CREATEROLE"),
        ({"may_end_sessions": False}, "signal_backend", False, "GRANT pg_signal_backend TO"),
        ({"may_limit_temp_files": False}, "temp_file_limit", False, "GRANT SET ON PARAMETER"),
        ({"expires": True}, "expires", False, "infinity"),
        ({"connection_limit": 2}, "connection_limit", True, "CONNECTION LIMIT -1;"),
        ({"connection_limit": 19}, "connection_limit", False, "CONNECTION LIMIT -1;"),
        ({"may_use_reserved_connections": False}, "reserved_connections", False, "reserved"),
    ],
)
def test_each_lack_of_the_role_is_named(
    change: dict[str, Any], code: str, is_fatal: bool, advice: str
) -> None:
    (finding,) = list_findings(replace(GOOD_ROLE, **change), GOOD_SERVER)

    assert (finding.code, finding.is_fatal) == (code, is_fatal)
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("change", "code", "is_fatal"),
    [
        ({"is_standby": True}, "standby", True),
        ({"begins_read_only": True}, "read_only", True),
        ({"is_pooled": True}, "pooler", True),
        ({"can_make_utf8": False}, "encoding", True),
        ({"is_encrypted": False}, "tls", False),
        ({"connections": 20}, "max_connections", False),
        ({"reserved_connections": 0}, "reserved_connections", False),
        ({"prepared_transactions": 10}, "prepared_transactions", False),
        ({"open_databases": ["postgres", "template1"]}, "public_connect", False),
        ({"left_behind": [["3ba03b-preview", "3ba03b-j1", "3ba03b-u"]]}, "left_behind", False),
    ],
)
def test_each_lack_of_the_server_is_named(
    change: dict[str, Any], code: str, is_fatal: bool
) -> None:
    (finding,) = list_findings(GOOD_ROLE, replace(GOOD_SERVER, **change))

    assert (finding.code, finding.is_fatal) == (code, is_fatal)


def test_no_encryption_is_fine_where_none_was_wanted() -> None:
    server = replace(GOOD_SERVER, is_encrypted=False, wants_encryption=False)

    assert list_findings(GOOD_ROLE, server) == ()


def test_many_open_databases_are_shown_in_part() -> None:
    server = replace(GOOD_SERVER, open_databases=[f"db{n}" for n in range(9)])

    (finding,) = list_findings(GOOD_ROLE, server)

    assert "and 4 more" in finding.message
    assert 'REVOKE CONNECT ON DATABASE "db0", "db1", ' in finding.advice
    assert "db5" not in finding.advice


def test_a_role_to_link_with_gets_a_password() -> None:
    (finding,) = list_findings(replace(GOOD_ROLE, is_superuser=True), GOOD_SERVER)

    assert "CREATEROLE PASSWORD 'a long one of your own';" in finding.advice


def test_what_prevents_linking_comes_first() -> None:
    role = replace(GOOD_ROLE, may_limit_temp_files=False)

    findings = list_findings(role, replace(GOOD_SERVER, is_standby=True))

    assert [finding.is_fatal for finding in findings] == [True, False]
