"""The command line on somebody's own machine, against a service elsewhere: its API alone."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.instances import AdminLogin
from app.store.vault import new_key
from demo.github.model import Repository
from demo.github.server import LocalGitHub
from tests import commands
from tests.integration.browser import Browser
from tests.integration.cli import bare
from tests.integration.lifecycle.world import state_url
from tests.integration.serve.installation import CHECKOUT, Installation

MIGRATE = ("migrate", "acme/shop", "--no-seed", "--migration-command")


@dataclass(frozen=True, kw_only=True)
class Laptop:
    """A person's own machine: it has a home, and knows nothing of the service."""

    home: Path

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
        }

    def begin(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            cwd=self.home,
            env={**self.environ, "PYTHONPATH": str(CHECKOUT), **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, stdin: str = "", **environ: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        finished = commands.run(
            *arguments,
            environ=self.environ | environ,
            folder=self.home,
            stdin=stdin,
            timeout_seconds=120,
        )
        return finished.returncode, finished.stdout, finished.stderr

    def ok(self, *arguments: str, stdin: str = "") -> str:
        code, out, error = self.run(*arguments, stdin=stdin)
        assert code == 0, f"{arguments}: {out}{error}"
        return out

    @property
    def login_file(self) -> Path:
        return self.home / "config" / "coppice" / "login.json"


@pytest.fixture(scope="module")
def shop(github: LocalGitHub) -> Repository:
    github.reset()
    repository = github.create_repository("acme/shop")
    github.install(repository.owner)
    github.push(repository, "feature/login")
    return repository


@pytest.fixture(scope="module")
def module_state(new_state_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    with new_state_database() as name:
        yield name


@pytest.fixture(scope="module")
def service(  # noqa: PLR0917 - fixtures
    github: LocalGitHub,
    shop: Repository,
    postgres_superuser: AdminLogin,
    postgres_admin: AdminLogin,
    module_state: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    """`serve`, with the repository assigned."""
    folder = tmp_path_factory.mktemp("service")
    key = folder / "key.pem"
    key.write_text(github.private_key)
    settings = {
        "COPPICE_DATABASE_URL": state_url(postgres_superuser, module_state),
        "COPPICE_SECRET_KEYS": new_key(),
        "COPPICE_GITHUB_APP_ID": str(github.app_id),
        "COPPICE_GITHUB_PRIVATE_KEY_FILE": str(key),
        "COPPICE_GITHUB_WEBHOOK_SECRETS": github.webhook_secret,
        "COPPICE_GITHUB_URL": github.url,
        "COPPICE_GITHUB_API_URL": github.api_url,
        "COPPICE_OIDC_ISSUER": github.oidc_issuer,
    }
    made = Installation(folder=folder, settings=settings)
    try:
        made.serve()
        address = postgres_admin.address
        login = f"{postgres_admin.user}:{postgres_admin.password}"
        server = f"postgresql://{login}@{address.host}:{address.port}/postgres"
        made.ok("instances", "link", "main", "--url", server)
        made.ok("apps", "assign", "acme/shop", "main", "--migration-command", "./migrate")
        yield made
        for database in json.loads(made.ok("databases", "list", "--json")):
            # One that belongs to another goes with it.
            made.run("databases", "delete", database["name"], "--now", "--yes")
    finally:
        made.close()


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(home=tmp_path)


@pytest.fixture
def mona(service: Installation, github: LocalGitHub, shop: Repository) -> Browser:
    """Logged in at the dashboard; may write to the repository."""
    user = github.grant(shop, "mona", "write")
    key = service.settings["COPPICE_SECRET_KEYS"]
    return Browser(service.url, secret_key=key, login="mona", user_id=user.id)


@pytest.fixture
def logged_in(laptop: Laptop, service: Installation, mona: Browser) -> Laptop:
    """By the code that the terminal shows, confirmed in the browser."""
    waiting = laptop.begin("login", service.url)
    assert waiting.stderr
    shown = ""
    while not (code := re.search(r"^ +([A-Z]{4}-[A-Z]{4})$", shown, re.M)):
        line = waiting.stderr.readline()
        assert line, shown
        shown += line
    assert f"{service.url}/login/device" in shown
    mona.send("/login/device", code=code[1], answer="confirm")
    out, _ = waiting.communicate(timeout=120)
    assert waiting.returncode == 0
    assert out == f"Logged in to {service.url} as mona.\n"
    return laptop


def test_a_person_works_on_what_they_may(logged_in: Laptop, service: Installation) -> None:
    [app] = json.loads(logged_in.ok("apps", "list", "--json"))
    assert (app["repository"], app["instance"]) == ("acme/shop", "main")

    branch = ["acme/shop", "--branch", "feature/login"]
    logged_in.ok("databases", "create", *branch)
    shown = json.loads(logged_in.ok("databases", "show", *branch, "--json"))
    assert (shown["state"], shown["branch"]) == ("ready", "feature/login")
    local = json.loads(service.ok("databases", "show", shown["name"], "--json"))
    assert shown.keys() == local.keys()
    rules, local_rules = (
        json.loads(each.ok("apps", "show", "acme/shop", "--json")) for each in (logged_in, service)
    )
    assert rules == local_rules
    assert (rules["preview"], rules["ignore_patterns"]) == ("shared", [])

    logged_in.ok("psql", *branch, "-c", "CREATE TABLE t ()")
    logged_in.ok("databases", "fix", shown["name"])
    logged_in.ok("databases", "delete", *branch, "--yes")
    logged_in.ok("databases", "restore", *branch)
    logged_in.ok("databases", "delete", *branch, "--yes")
    brought_back = logged_in.ok("databases", "create", *branch)
    assert brought_back.endswith(" is ready again: it is restored with its data.\n")
    assert "public|t|" in logged_in.ok("psql", *branch, "--", "-Atc", r"\dt")
    logged_in.ok("databases", "reset", *branch, "--yes")
    assert logged_in.ok("psql", *branch, "--", "-Atc", r"\dt") == ""
    logged_in.ok("databases", "delete", *branch, "--now", "--yes")
    code, _, error = logged_in.run("databases", "show", *branch)
    assert (code, "has no database for the branch feature/login" in error) == (1, True)


def test_the_database_for_local_work_is_made_when_it_is_asked_for(
    logged_in: Laptop, service: Installation
) -> None:
    variables = json.loads(logged_in.ok("env", "acme/shop", "--format", "json"))

    assert variables["COPPICE_ENVIRONMENT"] == "dev"
    assert variables["SHADOW_DATABASE_URL"] != variables["DATABASE_URL"]
    assert list(variables) == list(json.loads(service.ok("env", "acme/shop", "--format", "json")))


def test_a_person_migrates_and_seeds_it_from_their_own_machine(logged_in: Laptop) -> None:
    commands = (
        "--migration-command",
        'psql -qc "CREATE TABLE IF NOT EXISTS here (folder text)"',
        "--seed-command",
        "psql -qc \"INSERT INTO here VALUES ('$PWD')\"",
    )

    logged_in.ok("databases", "create", "acme/shop")
    logged_in.ok("databases", "reset", "acme/shop", "--environment", "dev", "--yes")

    first = logged_in.run("migrate", "acme/shop", *commands)
    second = logged_in.run("migrate", "acme/shop", *commands)

    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    seeded = logged_in.ok("psql", "acme/shop", "--", "-Atc", "SELECT folder FROM here")
    assert seeded == f"{logged_in.home}\n"
    failed = logged_in.run("migrate", "acme/shop", "--migration-command", "exit 3")
    assert failed[0] == 3


def test_what_is_seen_beside_a_migration_needs_no_package_of_a_server(logged_in: Laptop) -> None:
    logged_in.ok("databases", "create", "acme/shop")
    statements = (
        *("CREATE TABLE twice (id int)", "INSERT INTO twice VALUES (1), (1)"),
        "CREATE UNIQUE INDEX CONCURRENTLY remains ON twice (id)",
    )
    packages = bare.install(logged_in.home / "packages")
    command = " ".join(["psql -q", *(f'-c "{each}"' for each in statements), "|| true"])

    ran, unseen = (
        subprocess.run(
            [*bare.python(packages), *MIGRATE, given],
            cwd=logged_in.home,
            env=logged_in.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        for given in (command, "true")
    )

    assert (ran.returncode, unseen.returncode) == (0, 0), ran.stderr + unseen.stderr
    assert ran.stdout.endswith("-dev is migrated.\n")
    assert re.search("left an invalid index on .*-dev: public.remains. PostgreSQL", ran.stderr)
    assert "does not count as migrated" in unseen.stdout
    assert "invalid index" not in unseen.stderr


def test_a_command_of_the_service_is_run_only_by_who_agrees(
    logged_in: Laptop, service: Installation
) -> None:
    command = "touch ran #\x1b[2K"
    service.ok("apps", "edit", "acme/shop", "--migration-command", command)

    asked = logged_in.run("migrate", "acme/shop")
    has_run = (logged_in.home / "ran").exists()
    logged_in.ok("migrate", "acme/shop", "--yes")

    assert (asked[0], has_run) == (1, False)
    assert "    touch ran #\\x1b[2K\n" in asked[2]
    assert "--yes" in asked[2]
    assert (logged_in.home / "ran").exists()


def test_a_person_does_not_do_what_they_may_not(logged_in: Laptop) -> None:
    code, out, error = logged_in.run("env", "acme/shop", "--environment", "production")

    assert (code, out) == (1, "")
    assert "admin" in error


def test_it_is_said_which_service_is_used(logged_in: Laptop, service: Installation) -> None:
    _, _, remote = logged_in.run("apps", "list")
    (logged_in.home / ".coppice").mkdir()
    forced = logged_in.run("--remote", "apps", "list")

    assert f"Using {service.url} as mona." in remote
    assert f"Using {service.url} as mona." in forced[2]


@pytest.mark.parametrize("variable", ["COPPICE_DATABASE_URL", "COPPICE_DATA_DIR"])
def test_a_service_of_this_machine_is_meant_where_its_settings_are(
    logged_in: Laptop, variable: str
) -> None:
    # Nothing answers there: the command fails at what it chose.
    value = {"COPPICE_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/x"}.get(variable, "/dev/null")

    code, _, error = logged_in.run(
        "apps", "list", **{variable: value, "COPPICE_SECRET_KEYS": new_key()}
    )

    assert code == 1
    assert f"Using the service of this machine, for there is {variable}" in error


@pytest.mark.parametrize("command", ["reconcile", "doctor"])
def test_a_command_of_this_machine_alone_is_refused_where_another_is_meant(
    logged_in: Laptop, service: Installation, command: str
) -> None:
    code, out, error = logged_in.run(*command.split())
    forced = logged_in.run("--remote", *command.split(), COPPICE_DATA_DIR="/dev/null")

    assert (code, out, forced[0]) == (1, "", 1)
    for said in (error, forced[2]):
        assert f"{service.url} is meant." in said
        assert "Run it on that service's machine" in said
    assert not (logged_in.home / ".coppice").exists()


@pytest.mark.parametrize("command", ["serve", "web", "worker", "login-link"])
def test_nothing_is_started_elsewhere(laptop: Laptop, command: str) -> None:
    code, _, error = laptop.run("--remote", command)

    assert (code, "of the machine that it runs on" in error) == (1, True)
    assert not (laptop.home / ".coppice").exists()


@pytest.mark.parametrize("command", ["env acme/shop", "databases list", "login-link", "doctor"])
def test_nothing_is_made_where_no_service_is(laptop: Laptop, command: str) -> None:
    code, out, error = laptop.run(*command.split())

    assert (code, out) == (1, "")
    assert f"There is no service here, for {laptop.home} has no .coppice" in error
    assert "coppice login URL" in error
    assert not (laptop.home / ".coppice").exists()


@pytest.mark.parametrize("folder", [None, "data"])
def test_looking_for_trouble_makes_no_service(laptop: Laptop, folder: str | None) -> None:
    place = laptop.home / (folder or ".coppice")
    settings = {"COPPICE_DATA_DIR": str(place)} if folder else {}

    code, out, error = laptop.run("--local", "doctor", **settings)

    assert (code, out) == (1, "")
    assert f"There is no service here yet: {place} has no state database." in error
    assert "Start one: coppice serve" in error
    assert not place.exists()


def test_only_the_person_reads_the_token(logged_in: Laptop) -> None:
    assert stat.S_IMODE(logged_in.login_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(logged_in.login_file.parent.stat().st_mode) == 0o700
    token = json.loads(logged_in.login_file.read_text())["token"]
    assert token.startswith("coppice_")

    shown = logged_in.run("tokens", "list")

    assert token not in shown[1] + shown[2]


def test_logging_out_ends_the_token(logged_in: Laptop, service: Installation) -> None:
    kept = logged_in.login_file.read_text()

    logged_in.ok("logout")

    assert not logged_in.login_file.exists()
    logged_in.login_file.write_text(kept)
    code, _, error = logged_in.run("apps", "list")
    assert (code, f"coppice login {service.url}" in error) == (1, True)


def test_a_token_is_read_and_tried_before_it_is_kept(laptop: Laptop, service: Installation) -> None:
    secret = service.ok("tokens", "create", "ci", "--read-only").strip()

    refused = laptop.run("login", service.url, "--token", "-", stdin="coppice_wrong\n")
    assert not laptop.login_file.exists()
    laptop.ok("login", service.url, "--token", "-", stdin=secret + "\n")

    assert refused[0] == 1
    assert json.loads(laptop.ok("apps", "list", "--json"))
    assert laptop.run("databases", "fix", "acme/shop", "--environment", "preview")[0] == 1
    assert laptop.run("login", service.url, "--token", secret)[0] == 2


@pytest.mark.parametrize("url", ["http://coppice.example.com", "ftp://x", "https://a:b@c", "x"])
def test_only_a_safe_address_is_talked_to(laptop: Laptop, url: str) -> None:
    code, _, error = laptop.run("login", url, "--token", "-", stdin="coppice_x\n")

    assert code == 1
    assert "This is not the address of a service." in error


def test_without_a_login_it_is_said_how_to_get_one(laptop: Laptop) -> None:
    code, _, error = laptop.run("--remote", "apps", "list")

    assert (code, "coppice login URL" in error) == (1, True)
    assert not (laptop.home / ".coppice").exists()
    shutil.rmtree(laptop.home / "config", ignore_errors=True)
