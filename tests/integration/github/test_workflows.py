"""Workflow runs as the adapter reads and restarts them."""

import pytest

from app.core.errors import Conflict, GitHubUnavailable
from app.core.identifiers import CommitSha, WorkflowJobId, WorkflowRunId
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from demo.github import faults
from demo.github.control.actions import RunOptions
from demo.github.model import Repository
from demo.github.server import LocalGitHub


def test_a_push_run_is_told_with_the_commit_it_builds(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    sha = github.push(shop, "topic")
    started = github.start_run(shop, branch="topic")

    run = adapter.workflow_run(known, WorkflowRunId(started.id))

    assert run is not None
    assert (run.event, run.head_branch, run.head_sha, run.attempt) == ("push", "topic", sha, 1)
    assert run.head_repository_id == shop.id
    assert not run.is_completed


def test_a_pull_request_run_has_the_head_commit_and_not_the_test_merge(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    sha = github.push(shop, "topic")
    opened = github.open_pull_request(shop, "topic")
    started = github.start_run(shop, event="pull_request", pull_request=opened)

    run = adapter.workflow_run(known, WorkflowRunId(started.id))

    assert run is not None
    assert run.head_sha == sha != started.sha
    assert run.pull_request_numbers == (opened.number,)


def test_a_forks_run_names_the_fork_and_no_pull_request(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    fork = github.fork(shop, owner=github.user("mallory"))
    github.push(fork, "topic")
    opened = github.open_pull_request(shop, "topic", head_repository=fork)
    started = github.start_run(shop, event="pull_request", pull_request=opened)

    run = adapter.workflow_run(known, WorkflowRunId(started.id))

    assert run is not None
    assert run.head_repository_id == fork.id
    assert run.pull_request_numbers == ()


def test_a_run_of_another_repository_is_none(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    other = github.start_run(github.create_repository("acme/other"))

    assert adapter.workflow_run(known, WorkflowRunId(other.id)) is None


def test_runs_of_one_commit_are_listed_and_no_others(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.start_run(shop)
    sha = github.push(shop, "topic")
    ids = {github.start_run(shop, branch="topic").id for _ in range(101)}

    runs = adapter.workflow_runs(known, CommitSha(sha))

    assert {run.id for run in runs} == ids


def test_runs_of_one_commit_stay_apart_when_a_redirect_loses_the_question(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.start_run(shop)
    sha = github.push(shop, "topic")
    started = github.start_run(shop, branch="topic")
    github.rename(shop, "store")

    runs = adapter.workflow_runs(known, CommitSha(sha))

    assert [run.id for run in runs] == [started.id]


def test_a_count_that_the_list_does_not_reach_is_no_answer(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    short = faults.Fault(status=200, body='{"total_count": 3, "workflow_runs": []}')
    github.faults.plan(short, path="/actions/runs", times=9)

    with pytest.raises(GitHubUnavailable):
        adapter.workflow_runs(known, CommitSha("a" * 40))


def test_no_runs_count_only_when_the_repository_is_seen(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    none = faults.Fault(status=200, body='{"total_count": 0, "workflow_runs": []}')
    github.faults.plan(none, path="/actions/runs")
    github.faults.plan(faults.not_found(), path="/repos/acme/shop$")

    with pytest.raises(GitHubUnavailable):
        adapter.workflow_runs(known, CommitSha("a" * 40))


def test_jobs_are_those_of_the_attempt(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    started = github.start_run(shop, options=RunOptions(jobs=("build", "migrate")))
    github.complete_run(started, "failure")
    github.rerun(started)
    run_id = WorkflowRunId(started.id)

    first = adapter.workflow_jobs(known, run_id, attempt=1)
    second = adapter.workflow_jobs(known, run_id, attempt=2)

    assert [(job.name, job.is_completed) for job in first] == [("build", True), ("migrate", True)]
    assert [(job.name, job.is_completed) for job in second] == [
        ("build", False),
        ("migrate", False),
    ]
    assert not {job.id for job in first} & {job.id for job in second}


def test_a_completed_job_starts_again_alone(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    started = github.start_run(shop, options=RunOptions(jobs=("build", "migrate")))
    github.complete_run(started)

    adapter.rerun_job(known, WorkflowJobId(github.job(started, "migrate").id))

    assert started.attempt == 2
    assert github.job(started, "build").status == "completed"
    assert github.job(started, "migrate").status == "in_progress"


def test_a_completed_run_starts_again_as_a_whole(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    started = github.start_run(shop)
    github.complete_run(started)

    adapter.rerun_workflow(known, WorkflowRunId(started.id))

    assert (started.attempt, started.status) == (2, "in_progress")


def test_a_run_that_is_still_going_is_not_started_again_and_says_why(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    started = github.start_run(shop)

    with pytest.raises(Conflict, match="already running"):
        adapter.rerun_workflow(known, WorkflowRunId(started.id))
    with pytest.raises(Conflict, match="Not Found"):
        adapter.rerun_job(known, WorkflowJobId(1))


def test_a_lost_answer_to_a_restart_is_not_repeated(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    started = github.start_run(shop)
    github.complete_run(started)
    github.faults.plan(faults.lost_answer(), method="POST", path="/rerun")

    with pytest.raises(GitHubUnavailable):
        adapter.rerun_workflow(known, WorkflowRunId(started.id))

    assert started.attempt == 2
