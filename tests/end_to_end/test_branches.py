"""The life of a branch's database, from the events that GitHub sends."""

import psycopg
import pytest

from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, Project, wait_for
from tests.end_to_end.tools import TOOLS

DBMATE = next(tool for tool in TOOLS if tool.name == "dbmate")


@pytest.fixture
def project(new_project: NewProject) -> Project:
    return new_project(Plan(files=DBMATE.files, command=DBMATE.command))


def test_a_push_alone_makes_the_database_and_says_so_on_the_commit(project: Project) -> None:
    sha = project.site.github.push(project.repository, "feature")

    assert project.check("database", sha).conclusion == "success"
    assert project.tables("--branch", "feature") == set()


def test_the_database_of_a_deleted_branch_refuses_connections(project: Project) -> None:
    project.push("feature")
    url = project.credentials("--branch", "feature")["DATABASE_URL"]
    with psycopg.connect(url) as session:
        project.site.github.delete_branch(project.repository, "feature")

        wait_for(lambda: project.state("feature") == "deleted" or None, what="state deleted")

        # Refusing is a job of its own, which is queued together with the change of the state.
        wait_for(lambda: is_ended(session) or None, what="an ended session")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def is_ended(session: "psycopg.Connection[tuple[object, ...]]") -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    session.rollback()
    return False


def test_a_branch_that_comes_back_has_its_data(project: Project) -> None:
    pushed = project.push("feature")
    with psycopg.connect(project.credentials("--branch", "feature")["DATABASE_URL"]) as session:
        session.execute("INSERT INTO users (name) VALUES ('Ada')")
    project.site.github.delete_branch(project.repository, "feature")
    wait_for(lambda: project.state("feature") == "deleted" or None, what="state deleted")

    project.site.github.create_branch(project.repository, "feature", sha=pushed.sha)
    again = project.run("feature")

    assert again.outcome.succeeded, again.log
    with psycopg.connect(project.credentials("--branch", "feature")["DATABASE_URL"]) as session:
        assert session.execute("SELECT name FROM users").fetchall() == [("Ada",)]
