"""Work on one's own machine: the variables in a file, and an application that reads them."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from demo.runner import TOOLS as PROGRAMS
from demo.service import free_port
from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, Project, wait_for
from tests.end_to_end.tools import ENVIRON, TOOLS

DENO = next(tool for tool in TOOLS if tool.name == "deno")


@pytest.fixture
def project(new_project: NewProject) -> Project:
    project = new_project(Plan(files=DENO.files, command=DENO.command, environ=ENVIRON))
    pushed = project.push("feature")
    assert pushed.outcome.succeeded, pushed.log
    return project


@pytest.fixture
def application(project: Project, tmp_path: Path) -> Iterator[str]:
    """The application's address; it runs as a person would start it, with a file of variables."""
    for path, text in DENO.files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    variables = project.site.service.coppice(
        "env", project.repository.full_name, "--branch", "feature"
    )
    port = free_port()
    (tmp_path / ".env").write_text(f"{variables}PORT={port}\n")
    process = subprocess.Popen(
        [PROGRAMS / "deno", "run", "--env", "--allow-all", "main.ts"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), **ENVIRON},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}/"
    process.kill()
    process.wait()


def test_an_application_finds_the_branch_s_data_with_the_printed_variables(
    project: Project, application: str
) -> None:
    with psycopg.connect(project.credentials("--branch", "feature")["DATABASE_URL"]) as session:
        session.execute("INSERT INTO users (name) VALUES ('Ada')")

    answer = wait_for(lambda: read(application), what="answer of the application")

    assert json.loads(answer) == [{"id": "1", "name": "Ada"}]


def read(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.URLError:
        return None
