"""For a service that stays: something to look at, and where and how to try things."""

import shlex
import sys
from pathlib import Path

from demo.github.model import PullRequest, Repository
from demo.stage import OPERATOR, PEOPLE, Stage
from demo.story import console, later, run, title

BRANCH = "feature/photos"


def prepare(stage: Stage, repository: Repository) -> PullRequest:
    """Have a pull request with databases. Raises UnexpectedEnd, Interrupted."""
    title(f"For you to look around: a pull request from {BRANCH}")
    stage.github.push(repository, BRANCH, files=later("20260203090000_photos.sql"))
    opened = stage.github.open_pull_request(repository, BRANCH)
    run(stage, succeeds=True)
    return opened


def tell_how_to_look_around(stage: Stage, repository: Repository, opened: PullRequest) -> None:
    """Where it is, what to try, and what to type in a second terminal."""
    activate, settings = Path(sys.prefix) / "bin/activate", stage.write_settings()
    url, github, checkout = stage.service.url, stage.github.url, stage.folder / "shop"
    people = ", ".join(
        f"{login} ({role}{', operator' if login == OPERATOR else ''})"
        for login, role in PEOPLE.items()
    )
    console.print(
        "\nIt keeps running. The dashboard, by a link that lets in an operator, once:\n\n"
        f"    {stage.coppice('login-link').strip()}\n\n"
        "The pull request, at the small local GitHub:\n\n"
        f"    {github}/{repository.full_name}/pull/{opened.number}\n\n"
        "Its check `trace` says what the migration would lock in production. Comment /db status,\n"
        "/db reset, then /db migrate; below the checks of its commit, press Re-run.\n"
        f"By {url}/login you come in with GitHub, as\n"
        f"{people}.\n\n"
        "In a second terminal:\n\n"
        f"    . {shlex.quote(str(activate))}\n"
        f"    . {shlex.quote(str(settings))}  # COPPICE_DATA_DIR and the like\n"
        "    coppice databases list acme/shop\n"
        "    coppice env acme/shop --environment production\n"
        f"    git clone {repository.git.path} {checkout}\n"
        f"    cd {checkout} && git checkout -b my-branch\n"
        "    git -c user.name=me -c user.email=me@example.com commit --allow-empty -m Try\n"
        "    git push origin my-branch\n\n"
        "Each push runs the workflow in it, as at GitHub. For a check that fails, type this\n"
        "before a push:\n\n"
        "    coppice instances limit local --databases 1\n\n"
        "After the same with `--databases none` Fix mends it, or the waiting workflow does\n"
        "when it asks again.\n"
        f"With `coppice login {url}` you act as whom you choose:\n"
        "`coppice --remote env acme/shop`.\n\n"
        f"Ctrl-C here ends it all and removes {stage.folder}, with every database in it.",
        markup=False,
    )
