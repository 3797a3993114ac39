"""Jobs of workflows: what they run on, what they ask for, and how they end."""

from random import Random

from chaos import inside
from chaos.developers import Deeds, live_branches, open_pull_requests, pick_repository
from chaos.ledger import Place
from chaos.protocol import Job, Over
from chaos.site import Site
from demo.github.model import Repository, WorkflowRun

# How often among others a job ends well, fails, and dies: with credentials, inside a transaction,
# before it reports, and inside and not without a fight.
FATES = {
    "well": 20.0,
    "fails": 3.0,
    "before": 1.2,
    "inside": 1.2,
    "unreported": 1.2,
    "defends": 1.2,
}
_ENDS = ("well", "fails")
# Whoever dies holds his database for a minute: seldom one that everybody shares.
_SHARED_DEATHS = 0.15


def run(site: Site, draw: Random) -> None:
    """One workflow run, from its start to what GitHub says of its end, if it hears of it."""
    app, repository = pick_repository(site, draw)
    with site.gate:
        started = _start(site, repository, draw)
    job = Job(
        site=site,
        app=app,
        run=started,
        is_default=started.head_branch == repository.default_branch,
        fate=_fate(draw, is_shared=started.head_branch == repository.default_branch),
        migrates=draw.random() < 0.85,
        exports=draw.random() < 0.15,
    )
    if not job.is_default and (job.fate not in _ENDS or draw.random() < 0.4):
        job.environments = ["branch"]
    try:
        for environment in job.begin():
            while _have(job, environment):
                pass
        how = "ended well"
    except Over as over:
        how = str(over)
    site.ledger.note(f"run: {how}", place=Place(app=app, environment="run", branch=job.branch))
    if not how.startswith("died") or draw.random() < 0.5:
        site.github.complete_run(started, "success" if how == "ended well" else "failure")


def _start(site: Site, repository: Repository, draw: Random) -> WorkflowRun:
    """Of a push most often."""
    branch = draw.choice([*live_branches(repository), repository.default_branch])
    event = draw.choices(("push", "workflow_dispatch", "pull_request"), (8, 1, 1))[0]
    if event == "pull_request" and (found := open_pull_requests(site, repository)):
        pull_request = draw.choice(found)
        return site.github.start_run(repository, event=event, pull_request=pull_request)
    event = event.replace("pull_request", "push")
    return site.github.start_run(repository, event=event, branch=branch)


def _fate(draw: Random, *, is_shared: bool) -> str:
    factor = _SHARED_DEATHS if is_shared else 1
    weights = [weight * (1 if fate in _ENDS else factor) for fate, weight in FATES.items()]
    return draw.choices(list(FATES), weights)[0]


def _have(job: Job, environment: str) -> bool:
    """Get a database, write a row and report; whether the service wants it done once more."""
    variables = job.turn(environment)
    if variables is None:
        return False
    if job.fate == "before":
        raise Over("died with credentials")
    is_written = inside.write(job, environment, variables)
    if job.fate == "unreported":
        raise Over("died without a report")
    if not job.migrates:
        return False
    return job.report(environment, is_good=is_written and job.fate == "well")


DEEDS: Deeds = {"run": (1, run)}
