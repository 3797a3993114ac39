"""The story: a branch grows a database, is migrated, fails once, is merged, and is cut."""

import json
import time
from pathlib import Path

from rich.console import Console

from demo.github.model import Repository
from demo.stage import PEOPLE, Stage, is_refused, wait_for

SHOP = Path(__file__).parent / "shop"
LATER = Path(__file__).parent / "later"
BRANCH = "feature/reviews"
NEXT = "feature/gallery"

console = Console(highlight=False, soft_wrap=True)


class UnexpectedEnd(Exception):
    """The story did not go as it should; nothing after it can be believed."""


def tell(stage: Stage) -> Repository:
    """Play it from the first push to the end; returns the repository that it was played with.

    Raises UnexpectedEnd when something is not as it should be, and Interrupted.
    """
    started = time.monotonic()
    _say(f"It is up at {stage.service.url}.")
    repository = _assign(stage)
    _grow(stage, repository)
    _migrate(stage, repository)
    _break(stage, repository)
    _merge(stage, repository)
    _begin(stage, repository)
    _cut(stage, repository)
    _look(stage, repository)
    seconds = time.monotonic() - started
    console.print(f"\n[bold]That was all of it, in {seconds:.0f} seconds.[/bold]\n")
    return repository


def _assign(stage: Stage) -> Repository:
    title("An operator provisions a server and assigns acme/shop to it")
    stage.github.install("acme")
    repository = stage.github.create_repository("acme/shop", files=_shop(stage))
    for login, role in PEOPLE.items():
        stage.github.grant(repository, login, role)
    _command("coppice instances provision local")
    stage.coppice("instances", "provision", "local")
    _command("coppice apps assign acme/shop local --parent fixture")
    stage.coppice("apps", "assign", "acme/shop", "local", "--parent", "fixture")
    names = wait_for(
        lambda: _names(stage, repository, "production", "preview"),
        what="production and preview database",
    )
    for name in names:
        _say(f"{name} is ready.")
    return repository


def _grow(stage: Stage, repository: Repository) -> None:
    title(f"Somebody pushes the branch {BRANCH}")
    stage.github.push(repository, BRANCH, files=later("20260201090000_reviews.sql"))
    _show_checks(stage, repository, BRANCH, {"database"})


def _migrate(stage: Stage, repository: Repository) -> None:
    title("Its workflow runs: the Action migrates every database this revision reaches")
    run(stage, succeeds=True)
    _show_checks(stage, repository, BRANCH, {"migrate (branch)", "migrate (preview)", "trace"})
    branch = stage.tables(repository, "--branch", BRANCH)
    production = stage.tables(repository, "--environment", "production")
    _say(f"Tables of the branch: {', '.join(branch)}. Of production: {len(production)}.")
    _expect("reviews" in branch and not production, "the branch is migrated, production is not")


def _break(stage: Stage, repository: Repository) -> None:
    title("Somebody pushes a migration that cannot work")
    stage.github.push(repository, BRANCH, files=later("20260202090000_unique_names.sql"))
    run(stage, succeeds=False)
    _show_checks(stage, repository, BRANCH, {"migrate (branch)"})


def _merge(stage: Stage, repository: Repository) -> None:
    title("Without it, the branch is merged: preview first, then production")
    stage.github.push(repository, "main", files=later("20260201090000_reviews.sql"))
    run(stage, succeeds=True)
    _show_checks(stage, repository, "main", {"migrate (preview)", "migrate (production)"})
    production = stage.tables(repository, "--environment", "production")
    _say(f"Tables of production: {', '.join(production)}.")
    _expect("reviews" in production, "production is migrated")


def _begin(stage: Stage, repository: Repository) -> None:
    title("That run made a template: another branch begins migrated, before any run of its own")
    (app,) = json.loads(stage.coppice("apps", "list", "--json"))
    page = f"/apps/{app['app']}"
    wait_for(lambda: "<dt>Template</dt>" in stage.page(page) or None, what="template")
    stage.github.push(repository, NEXT, files=later("20260203090000_photos.sql"))
    _show_checks(stage, repository, NEXT, {"database"})
    tables = stage.tables(repository, "--branch", NEXT)
    _say(f"Tables of {NEXT}: {', '.join(tables)}.")
    _expect("reviews" in tables and "photos" not in tables, "the branch begins as the template")
    run(stage, succeeds=True)


def _cut(stage: Stage, repository: Repository) -> None:
    title("The branch is deleted, and its database with it")
    url = stage.url(repository, "--branch", BRANCH)
    stage.github.delete_branch(repository, BRANCH)
    wait_for(lambda: is_refused(url) or None, what="refusal of the branch's login")
    (cut,) = [each for each in stage.databases(repository) if each["branch"] == BRANCH]
    _say(f"{cut['name']} is {cut['state']}: no connections, and gone for good in a week.")
    _expect(not is_refused(stage.url(repository, "--environment", "production")), "production")


def _look(stage: Stage, repository: Repository) -> None:
    title("The dashboard shows what just happened")
    (app,) = json.loads(stage.coppice("apps", "list", "--json"))
    page = stage.page(f"/apps/{app['app']}")
    shown = [one["name"] for one in stage.databases(repository)]
    _expect(all(name in page for name in shown), "the page of the app shows each database")
    failed = stage.page(f"/apps/{app['app']}/runs/2")
    _expect("unique_names" in failed, "the page of the run that failed shows its log")
    traced = stage.page(f"/apps/{app['app']}/runs/1")
    _expect("SHARE ROW EXCLUSIVE" in traced, "the page of the first run shows its trace")
    url = f"{stage.service.url}/apps/{app['app']}"
    _say(f"{url}: {len(shown)} databases, four runs, their logs.")
    _say(f"{url}/runs/1: which locks each statement took, and for how long.")


def tell_how_to_go_on() -> None:
    """For a service that is gone: the way to a repository of one's own."""
    console.print(
        "It has ended, and its files are removed; `script/demo --keep` leaves it running.\n"
        "To go on with a repository of your own, follow README.md: Run it, Connect a repository.",
        markup=False,
    )


def _shop(stage: Stage) -> dict[str, str]:
    files = {
        str(file.relative_to(SHOP)): file.read_text() for file in SHOP.rglob("*") if file.is_file()
    }
    return {path: text.replace("{service-url}", stage.service.url) for path, text in files.items()}


def later(name: str) -> dict[str, str]:
    """A migration that comes after the first ones."""
    return {f"db/migrations/{name}": (LATER / name).read_text()}


def _names(stage: Stage, repository: Repository, *environments: str) -> list[str] | None:
    """Names of the ready databases of these environments, once there is one for each."""
    ready = [
        each["name"]
        for each in stage.databases(repository)
        if each["environment"] in environments and each["state"] == "ready"
    ]
    return ready if len(ready) == len(environments) else None


def run(stage: Stage, *, succeeds: bool) -> None:
    """Run the workflow of the last push. Raises UnexpectedEnd when it ends in the other way."""
    started = time.monotonic()
    outcome = stage.workflow()
    word = "succeeded" if outcome.succeeded else "failed, as it should"
    if outcome.succeeded is not succeeds:
        raise UnexpectedEnd(f"The workflow did not end as it should:\n{outcome.log}")
    _say(f"The workflow {word} after {time.monotonic() - started:.1f} s.")


def _show_checks(stage: Stage, repository: Repository, branch: str, names: set[str]) -> None:
    sha = repository.git.head(branch) or ""
    found = stage.checks(repository, sha, names)
    for name in sorted(names):
        check = found[name]
        mark = {"success": "[green]✓[/green]", "failure": "[red]✗[/red]"}.get(
            check.conclusion or "", "•"
        )
        console.print(f"  {mark} {name}: {check.output['title']}")


def _expect(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise UnexpectedEnd(f"This should hold and does not: {what}.")


def title(text: str) -> None:
    """What comes next."""
    console.print(f"\n[bold]{text}[/bold]")


def _command(text: str) -> None:
    console.print(f"  [dim]$ {text}[/dim]")


def _say(text: str) -> None:
    console.print(f"  {text}", markup=False)
