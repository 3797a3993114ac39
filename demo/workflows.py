"""Runs repositories' workflows when GitHub would: after a push, by hand, and once more."""

import subprocess
from pathlib import Path

from demo.github.control.actions import RunOptions
from demo.github.git import ZERO_SHA
from demo.github.model import Json, WorkflowRun
from demo.github.pages.actions import FOLDER
from demo.github.server import LocalGitHub
from demo.runner import Job, Outcome, Runner, check_out


class Workflows:
    """Follows what GitHub tells the App, from the first event on; one run at a time.

    The first file in `.github/workflows` gives a run its name; act runs them all.
    """

    def __init__(self, github: LocalGitHub, folder: Path, *, action: Path) -> None:
        self._github = github
        self._folder = folder
        self._runner = Runner(folder / "runner", action=action)
        self._heard = 0

    def follow(self) -> list[Outcome]:
        """Run all that has been asked for since the last time. Raises Interrupted."""
        outcomes = []
        while self._heard < len(self._github.deliveries):
            delivery = self._github.deliveries[self._heard]
            self._heard += 1
            if delivery.is_redelivery:
                continue
            if delivery.event == "push":
                self._start(delivery.payload)
            if delivery.event == "workflow_run" and delivery.payload["action"] == "requested":
                outcomes.append(self._run(delivery.payload))
        return outcomes

    def _start(self, push: Json) -> None:
        """Start a run, which GitHub tells as well; none for a branch that has moved on or away."""
        repository = self._github.context.state.repositories[push["repository"]["id"]]
        branch = push["ref"].removeprefix("refs/heads/")
        if push["after"] == ZERO_SHA or repository.git.head(branch) != push["after"]:
            return
        if workflows := repository.git.files(push["after"], FOLDER):
            options = RunOptions(workflow=workflows[0])
            self._github.start_run(repository, branch=branch, options=options)

    def _run(self, told: Json) -> Outcome:
        run = self._github.context.state.workflow_runs[told["workflow_run"]["id"]]
        try:
            outcome = self._carry_out(run)
        except (subprocess.SubprocessError, OSError) as error:
            outcome = Outcome(exit_code=1, log=f"The runner gave up: {error}", outputs={})
        for job in run.jobs:
            if job.attempt == run.attempt:
                job.log = outcome.log
        self._github.complete_run(run, "success" if outcome.succeeded else "failure")
        return outcome

    def _carry_out(self, run: WorkflowRun) -> Outcome:
        repository = run.repository
        checkout = check_out(
            repository.git.path,
            self._folder / f"checkout-{run.id}-{run.attempt}",
            sha=run.sha,
            full_name=repository.full_name,
        )
        tokens = self._github.runner_environment(run)
        job = Job(
            event_name=run.event,
            event={"ref": run.ref, "repository": {"default_branch": repository.default_branch}},
            token_url=tokens["ACTIONS_ID_TOKEN_REQUEST_URL"],
            token_secret=tokens["ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
        )
        return self._runner.run(checkout, job)
