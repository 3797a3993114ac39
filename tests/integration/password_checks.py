"""A server that checks passwords, and so takes none that were hashed beforehand."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg import sql

from app.core.instances import AdminLogin
from app.postgres.embedded.binaries import find_binaries
from app.postgres.passwords import new_password
from app.postgres.sessions import Session, admin_login, connect
from tests import postgres_cluster
from tests.integration.shared_cluster import let_in, remove_role

_SOURCE = Path(__file__).with_name("password_hook.c")


def built_hook(directory: Path) -> str:
    """The module, compiled once for all; skips the test where that cannot be done."""
    headers = find_binaries(None).folder.parent / "include" / "server"
    if shutil.which("cc") is None or not (headers / "fmgr.h").exists():
        pytest.skip("there is no C compiler, or PostgreSQL's headers are missing")

    def build() -> dict[str, str]:
        made = directory / "password_hook.so"
        command = ["cc", "-O1", "-fPIC", "-shared", f"-I{headers}", "-o", str(made), str(_SOURCE)]
        subprocess.run(command, check=True, timeout=120)
        made.chmod(0o755)
        return {"module": str(made)}

    return postgres_cluster.once(directory, "password_hook", build)["module"]


@contextmanager
def choosy_admin(
    superuser: AdminLogin, module: str, sqlstate: str, *, refuses_plain: bool = False
) -> Iterator[AdminLogin]:
    """An administrator in whose sessions the server refuses verifiers, with this SQLSTATE."""
    admin = replace(superuser, user=f"Choosy.{uuid4().hex}", password=new_password())
    role = sql.Identifier(admin.user)
    with connect(admin_login(superuser)) as session:
        create = sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}")
        session.execute(create.format(role, sql.Literal(admin.password)))
        let_in(session, role)
        configure(session, admin, "session_preload_libraries", module)
        configure(session, admin, "hook.sqlstate", sqlstate)
        configure(session, admin, "hook.refuses_plain", "on" if refuses_plain else "off")
        configure(session, admin, "log_statement", "ddl")
        yield admin
        remove_role(session, role)


def configure(session: Session, admin: AdminLogin, name: str, value: str) -> None:
    """Give new sessions of the role this setting."""
    session.execute(
        sql.SQL("ALTER ROLE {} SET {} = {}").format(
            sql.Identifier(admin.user), sql.Identifier(*name.split(".")), sql.Literal(value)
        )
    )
