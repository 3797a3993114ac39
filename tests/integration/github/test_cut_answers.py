"""Answers of GitHub's that are cut off at any byte: never taken for whole ones."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from jwt import PyJWKClient

from app.core.errors import GitHubUnavailable
from app.core.identifiers import BranchName, CommitSha
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from app.github.signing_keys import SigningKeys, SigningKeyUnavailable
from demo.github.model import Repository
from demo.github.server import LocalGitHub
from tests.integration.github.cutting import END, Cutting, Key

Ask = Callable[[RestGitHub, Known], object]


@pytest.fixture
def way(github: LocalGitHub) -> Iterator[Cutting]:
    with Cutting(github.url) as way:
        yield way


@pytest.fixture
def adapter(github: LocalGitHub, way: Cutting) -> Iterator[RestGitHub]:
    adapter = RestGitHub(app_id=github.app_id, private_key=github.private_key, api_url=way.url)
    yield adapter
    adapter.close()


def the_branches(adapter: RestGitHub, known: Known) -> object:
    return sorted(branch.name for branch in adapter.branches(known))


def no_branch(adapter: RestGitHub, known: Known) -> object:
    return adapter.branch(known, BranchName("gone"))


def a_renamed_repository(adapter: RestGitHub, known: Known) -> object:
    assert known.installation_id is not None
    return adapter.repository(known.installation_id, "acme/former")


def a_comparison(adapter: RestGitHub, known: Known) -> object:
    return adapter.compare(known, base=CommitSha("1" * 40), head=CommitSha("2" * 40))


@pytest.fixture
def several(github: LocalGitHub, shop: Repository, known: Known) -> Known:
    """With three branches, and a former name."""
    for name in ("x", "y"):
        github.create_branch(shop, name)
    github.rename(shop, "former")
    github.rename(shop, "shop")
    return replace(known, full_name=shop.full_name)


UNAVAILABLE = "unavailable"


def found(ask: Ask, adapter: RestGitHub, known: Known) -> object:
    try:
        return ask(adapter, known)
    except GitHubUnavailable:
        return UNAVAILABLE


ASKED = [the_branches, no_branch, a_renamed_repository, a_comparison]


@pytest.mark.parametrize(
    ("ask", "is_counted"),
    [*((ask, True) for ask in ASKED), (the_branches, False), (a_renamed_repository, False)],
)
def test_an_answer_that_is_cut_off_anywhere_is_none(
    way: Cutting, adapter: RestGitHub, several: Known, ask: Ask, *, is_counted: bool
) -> None:
    way.is_counted = is_counted
    whole = ask(adapter, several)
    wrong: list[tuple[Key, int, object]] = []

    for key in [key for key in way.answers if key[0] == "GET"]:
        for length in range(len(way.answers[key])):
            way.cut = (key, length)
            if (got := found(ask, adapter, several)) not in (UNAVAILABLE, whole):
                wrong.append((key, length, got))

    assert wrong == []


def test_two_pages_and_a_redirect_were_on_the_way(
    way: Cutting, adapter: RestGitHub, several: Known
) -> None:
    assert the_branches(adapter, several) == ["main", "x", "y"]
    assert a_renamed_repository(adapter, several) == replace(several, full_name="acme/shop")
    assert no_branch(adapter, several) is None

    heads = [answer.partition(END)[0] for answer in way.answers.values()]
    assert any(b'rel="next"' in head for head in heads)
    assert any(b"\r\nLocation: " in head for head in heads)


def test_keys_that_are_cut_off_anywhere_are_none(github: LocalGitHub, way: Cutting) -> None:
    url = f"{way.url}{urlsplit(github.oidc_issuer).path}/.well-known/jwks"
    [key_id] = [key.key_id or "" for key in PyJWKClient(url).get_signing_keys()]
    [(key, answer)] = way.answers.items()

    for length in range(len(answer)):
        way.cut = (key, length)
        with pytest.raises(SigningKeyUnavailable):
            SigningKeys(url).find(key_id)
    way.cut = None

    assert SigningKeys(url).find(key_id)
