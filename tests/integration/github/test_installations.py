"""Installations and what they see."""

import pytest

from app.core.errors import Forbidden, GitHubUnavailable
from app.core.identifiers import InstallationId
from app.core.repositories import InstallationState
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from demo.github import faults
from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub


def test_the_installation_of_a_repository_is_found(
    adapter: RestGitHub, installation: Installation
) -> None:
    assert adapter.installation_of("acme", "shop") == installation.id


def test_the_installation_is_found_by_a_repositorys_former_name(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, installation: Installation
) -> None:
    github.rename(shop, "store")

    assert adapter.installation_of("acme", "shop") == installation.id


def test_a_repository_without_the_app_has_no_installation(
    adapter: RestGitHub, shop: Repository
) -> None:
    assert adapter.installation_of("acme", "shop") is None
    assert adapter.installation_of("acme", "nothing") is None


def test_the_app_s_own_page_is_known(github: LocalGitHub, adapter: RestGitHub) -> None:
    assert adapter.app_page() == f"{github.url}/apps/{github.context.identity.slug}"


def test_every_repository_of_an_installation_is_listed(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    others = {github.create_repository(f"acme/part-{number}").id for number in range(101)}
    github.create_repository("other/shop")

    seen = adapter.installation_repositories(known.installation_id or InstallationId(0))

    assert seen is not None
    assert {repository.id for repository in seen} == others | {known.id}


def test_chosen_repositories_are_the_only_ones_listed(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository
) -> None:
    github.create_repository("acme/secret")
    installation = github.install(shop.owner, repositories=[shop])

    seen = adapter.installation_repositories(InstallationId(installation.id))

    assert [repository.full_name for repository in seen or ()] == ["acme/shop"]


def test_a_removed_installation_sees_nothing_and_says_so(
    github: LocalGitHub, adapter: RestGitHub, installation: Installation
) -> None:
    github.uninstall(installation)

    assert adapter.installation_repositories(InstallationId(installation.id)) is None


def test_the_state_of_an_installation_follows_github(
    github: LocalGitHub, adapter: RestGitHub, installation: Installation
) -> None:
    id_ = InstallationId(installation.id)
    states = [adapter.installation_state(id_)]

    github.suspend(installation)
    states.append(adapter.installation_state(id_))
    github.unsuspend(installation)
    states.append(adapter.installation_state(id_))
    github.uninstall(installation)
    states.append(adapter.installation_state(id_))

    active, suspended = InstallationState.ACTIVE, InstallationState.SUSPENDED
    assert states == [active, suspended, active, InstallationState.REMOVED]


def test_a_suspended_installation_is_never_taken_for_an_empty_one(
    github: LocalGitHub, adapter: RestGitHub, installation: Installation, known: Known
) -> None:
    adapter.branches(known)  # so that a token is at hand
    github.suspend(installation)

    for read in (
        lambda: adapter.installation_repositories(InstallationId(installation.id)),
        lambda: adapter.repository(InstallationId(installation.id), "acme/shop"),
        lambda: adapter.branches(known),
    ):
        with pytest.raises(Forbidden, match="suspended"):
            read()


@pytest.mark.parametrize("fault", [faults.empty_list(), faults.html(), faults.server_error()])
def test_a_broken_list_of_repositories_is_never_an_answer(
    github: LocalGitHub,
    adapter: RestGitHub,
    installation: Installation,
    fault: faults.Fault,
) -> None:
    github.faults.plan(fault, path="/installation/repositories", times=9)

    with pytest.raises(GitHubUnavailable):
        adapter.installation_repositories(InstallationId(installation.id))


def test_all_installations_are_listed(
    github: LocalGitHub, adapter: RestGitHub, installation: Installation
) -> None:
    made = [github.install(f"org-{number}") for number in range(120)]

    listed = adapter.installations()

    expected = {(each.id, each.account.id) for each in [installation, *made]}
    assert set(listed) == expected
