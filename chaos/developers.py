"""What people do at GitHub: branches, pull requests, names, comments, the App itself."""

from collections.abc import Callable, Mapping
from random import Random

from chaos.ledger import Place
from chaos.site import OWNER, PERSON, Site
from demo import interruption
from demo.github.model import PullRequest, Repository

# Some that look alike, some that mislead, some that are hostile.
BRANCHES = (
    "feature/login",
    "feature-login",
    "Feature-Login",
    "a--b",
    "production",
    "-rf",
    "it's-$(x);--",
    "ünï/cödé-ブランチ",
    "x" * 200,
)
_COMMANDS = ("/db status", "/db fix", "/db reset", "/db reset", "/db url", "/db migrate")


def branch_place(app: str, branch: str) -> Place:
    """The database of a branch that is not the default one."""
    return Place(app=app, environment="branch", branch=branch)


def push(site: Site, draw: Random) -> None:
    """To a branch that may be new."""
    app, repository = pick_repository(site, draw)
    branch = draw.choice(BRANCHES)
    with site.gate:
        sha = site.github.push(repository, branch)
        site.ledger.note("push", place=branch_place(app, branch), head=sha)


def push_default(site: Site, draw: Random) -> None:
    app, repository = pick_repository(site, draw)
    site.github.push(repository, repository.default_branch)
    site.ledger.note("push to the default branch", detail=app)


def delete(site: Site, draw: Random) -> None:
    app, repository = pick_repository(site, draw)
    with site.gate:
        if (branch := _some_branch(repository, draw)) is not None:
            _delete(site, app, repository, branch)


def recreate(site: Site, draw: Random) -> None:
    """Delete a branch and make it again: where it was, further on, or elsewhere in history."""
    app, repository = pick_repository(site, draw)
    kind, seconds = draw.choice(("same", "descending", "unrelated")), draw.uniform(0, 1.5)
    with site.gate:
        branch = _some_branch(repository, draw)
        head = repository.git.head(branch) if branch else None
        if branch is None or head is None:
            return
        _delete(site, app, repository, branch)
    interruption.pause(seconds)
    with site.gate:
        if repository.git.head(branch) is None:
            sha = head
            if kind != "same":
                parents = [head] if kind == "descending" else []
                sha = repository.git.commit(parents=parents, message=f"{kind} {draw.random()}")
            site.github.create_branch(repository, branch, sha=sha)
            site.ledger.note(f"branch again, {kind}", place=branch_place(app, branch), head=sha)


def force_back(site: Site, draw: Random) -> None:
    """Move a branch to where the default branch is."""
    app, repository = pick_repository(site, draw)
    with site.gate:
        branch = _some_branch(repository, draw)
        sha = repository.git.head(repository.default_branch)
        if branch is not None and sha is not None:
            site.github.force_push(repository, branch, sha)
            site.ledger.note("force push", place=branch_place(app, branch), head=sha)


def rename_branch(site: Site, draw: Random) -> None:
    app, repository = pick_repository(site, draw)
    target = draw.choice(BRANCHES)
    with site.gate:
        branch = _some_branch(repository, draw)
        if branch is not None and repository.git.head(target) is None:
            site.github.rename_branch(repository, branch, target)
            site.ledger.note("branch deleted", place=branch_place(app, branch), detail="renamed")
            head = repository.git.head(target) or ""
            site.ledger.note("branch renamed", place=branch_place(app, target), head=head)


def rename_repository(site: Site, draw: Random) -> None:
    app, repository = pick_repository(site, draw)
    with site.gate:
        name = f"{app}-{draw.randrange(3)}"
        if name != repository.name:
            site.github.rename(repository, name)
            site.ledger.note("repository renamed", detail=f"{app} is {name} now")


def open_pull_request(site: Site, draw: Random) -> None:
    app, repository = pick_repository(site, draw)
    with site.gate:
        branch = _some_branch(repository, draw)
        taken = {each.head_branch for each in open_pull_requests(site, repository)}
        if branch is not None and branch not in taken:
            site.github.open_pull_request(repository, branch)
            site.ledger.note("pull request", place=branch_place(app, branch))


def close_pull_request(site: Site, draw: Random) -> None:
    _, repository = pick_repository(site, draw)
    with site.gate:
        if found := open_pull_requests(site, repository):
            site.github.close(draw.choice(found))
            site.ledger.note("pull request closed")


def comment(site: Site, draw: Random) -> None:
    """Give a command below a pull request."""
    app, repository = pick_repository(site, draw)
    command = draw.choice(_COMMANDS)
    with site.gate:
        if found := open_pull_requests(site, repository):
            pull_request = draw.choice(found)
            place = branch_place(app, pull_request.head_branch)
            # First: it may be obeyed before this returns.
            site.ledger.note(command, place=place, is_open=True)
            site.github.comment(pull_request, command, user=site.github.user(PERSON))


def take_app_away(site: Site, draw: Random) -> None:
    """From one repository or from all, or suspend it; and give it back."""
    _, repository = pick_repository(site, draw)
    how, seconds = draw.choice(("repository", "uninstall", "suspend")), draw.uniform(0.2, 3)
    github = site.github
    with site.gate:
        present = github.context.state.installation_of(repository)
        if present is None or present.is_suspended:
            return
        site.ledger.note(f"App taken away, {how}", detail=repository.full_name)
        match how:
            case "repository":
                github.remove_repository(present, repository)
            case "uninstall":
                github.uninstall(present)
            case _:
                github.suspend(present)
    interruption.pause(seconds)
    give_app_back(site)


def give_app_back(site: Site) -> None:
    """Have the App see every repository again."""
    github = site.github
    with site.gate:
        installations = list(github.context.state.installations.values())
        if not installations:
            github.install(OWNER)
            return
        for installation in installations:
            if installation.is_suspended:
                github.unsuspend(installation)
            for repository in site.repositories.values():
                ids = installation.repository_ids
                if ids is not None and repository.id not in ids:
                    github.add_repository(installation, repository)


def pick_repository(site: Site, draw: Random) -> tuple[str, Repository]:
    """Some app and its repository."""
    app = draw.choice(sorted(site.repositories))
    return app, site.repositories[app]


def live_branches(repository: Repository) -> list[str]:
    """Those beside the default branch."""
    return sorted(set(repository.git.branches()) - {repository.default_branch})


def _some_branch(repository: Repository, draw: Random) -> str | None:
    found = live_branches(repository)
    return draw.choice(found) if found else None


def _delete(site: Site, app: str, repository: Repository, branch: str) -> None:
    site.github.delete_branch(repository, branch)
    site.ledger.note("branch deleted", place=branch_place(app, branch))


def open_pull_requests(site: Site, repository: Repository) -> list[PullRequest]:
    """Those of a repository."""
    with site.github.context.state.lock:
        found = site.github.context.state.pull_requests.values()
        return [each for each in found if each.is_open and each.base is repository]


Deeds = Mapping[str, tuple[int, Callable[[Site, Random], None]]]
"""By name: how often among the others, and what."""

DEEDS: Deeds = {
    "push": (30, push),
    "push_default": (6, push_default),
    "delete": (8, delete),
    "recreate": (12, recreate),
    "force_back": (3, force_back),
    "rename_branch": (2, rename_branch),
    "rename_repository": (1, rename_repository),
    "open_pull_request": (8, open_pull_request),
    "close_pull_request": (2, close_pull_request),
    "comment": (12, comment),
    "take_app_away": (1, take_app_away),
}
