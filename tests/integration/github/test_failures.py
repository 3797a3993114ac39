"""How the adapter meets a GitHub that fails, limits, or forgets tokens."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app import patience
from app.core.errors import GitHubUnavailable
from app.core.identifiers import BranchName
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from app.github.client import Client
from app.github.failures import GitHubRefused
from app.github.tokens import Tokens
from app.github.transport import Transport
from demo.github import faults
from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub

MAIN = BranchName("main")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_passing_fault_of_a_read_is_not_noticed(
    github: LocalGitHub, adapter: RestGitHub, known: Known, status: int
) -> None:
    github.faults.plan(faults.server_error(status), path="/branches", times=2)

    assert adapter.branch(known, MAIN) is not None


def test_a_lasting_fault_is_told_as_such(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    github.faults.plan(faults.server_error(), path="/branches", times=9)

    with pytest.raises(GitHubUnavailable, match="502"):
        adapter.branch(known, MAIN)


@pytest.mark.parametrize(
    ("fault", "at_least", "at_most"),
    [
        (faults.secondary_limit(60), 60, 60),
        (faults.too_many_requests(90), 90, 90),
        (faults.primary_limit(1800), 1790, 1800),
        (faults.Fault(status=503, body="{}", headers={"Retry-After": "30"}), 30, 30),
    ],
    ids=["secondary", "429", "primary", "503"],
)
def test_a_limit_is_told_at_once_with_the_time_that_github_asked_for(
    *,
    github: LocalGitHub,
    adapter: RestGitHub,
    known: Known,
    fault: faults.Fault,
    at_least: float,
    at_most: float,
) -> None:
    github.faults.plan(fault, path="/branches", times=9)
    started = time.monotonic()

    with pytest.raises(GitHubUnavailable) as caught:
        adapter.branch(known, MAIN)

    assert caught.value.retry_after_seconds is not None
    assert at_least <= caught.value.retry_after_seconds <= at_most
    assert time.monotonic() - started < 5


def test_names_that_lead_in_a_circle_are_not_followed_for_ever(
    github: LocalGitHub, adapter: RestGitHub, known: Known, shop: Repository
) -> None:
    shop.former_branches |= {"a": "b", "b": "a"}
    started = time.monotonic()

    with pytest.raises(GitHubUnavailable, match="from one name to the next"):
        adapter.branch(known, BranchName("a"))

    assert time.monotonic() - started < 5
    assert adapter.branch(known, MAIN) is not None


def test_a_broken_connection_is_not_noticed_by_a_read(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    github.faults.plan(faults.dropped(), path="/branches")

    assert adapter.branch(known, MAIN) is not None


def test_a_github_that_does_not_answer_in_time_is_unavailable(
    github: LocalGitHub, known: Known
) -> None:
    transport = Transport(github.api_url, timeout_seconds=1)
    tokens = Tokens(transport, app_id=github.app_id, private_key=github.private_key)
    github.faults.plan(faults.slow(2), path="/app", times=9)

    with pytest.raises(GitHubUnavailable, match="did not answer"):
        Client(transport, tokens).as_app("GET", "/app")

    transport.close()


def test_a_request_that_somebody_waits_for_asks_a_slow_github_a_few_times_only(
    github: LocalGitHub,
) -> None:
    transport = Transport(github.api_url)
    github.faults.plan(faults.slow(0.3), path="/zen", times=9)

    with patience.limited(databases_seconds=9, github_seconds=0.5):
        for _ in range(2):
            with suppress(GitHubRefused):
                transport.request("GET", "/zen", token=None)
        with pytest.raises(GitHubUnavailable, match="too long"):
            transport.request("GET", "/zen", token=None)
    with suppress(GitHubRefused):
        transport.request("GET", "/zen", token=None)

    assert github.faults.left() == 6
    transport.close()


def test_a_limit_on_making_tokens_is_a_limit_too(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    github.faults.plan(faults.secondary_limit(7), path="access_tokens")

    with pytest.raises(GitHubUnavailable) as caught:
        adapter.branch(known, MAIN)

    assert caught.value.retry_after_seconds == 7


def test_a_github_that_is_not_there_is_unavailable() -> None:
    with LocalGitHub() as stopped:
        key, url = stopped.private_key, stopped.api_url
    adapter = RestGitHub(app_id=1, private_key=key, api_url=url)

    with pytest.raises(GitHubUnavailable):
        adapter.installation_of("acme", "shop")

    adapter.close()


def test_a_token_that_was_revoked_early_is_renewed_once(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    adapter.branch(known, MAIN)
    github.expire_tokens()

    assert adapter.branch(known, MAIN) is not None


def test_credentials_that_stay_refused_are_told_after_one_new_token(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    github.faults.plan(faults.unauthorized(), path="/branches", times=9)

    with pytest.raises(GitHubUnavailable, match="credentials"):
        adapter.branch(known, MAIN)

    assert len(github.context.state.tokens) == 2


def test_many_threads_need_one_token(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    with ThreadPoolExecutor(8) as threads:
        heads = list(threads.map(lambda _: adapter.branch(known, MAIN), range(16)))

    assert all(head is not None for head in heads)
    assert len(github.context.state.tokens) == 1


def test_a_token_is_for_one_repository_and_reads_only(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.create_repository("acme/other")

    adapter.branch(known, MAIN)

    (token,) = github.context.state.tokens.values()
    assert token.repository_ids == {shop.id}
    assert set(token.permissions.values()) == {"read"}


@pytest.mark.usefixtures("short_tokens")
def test_a_token_about_to_expire_is_not_used(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    # Such a token is refused by GitHub, which the adapter tells instead of asking for ever.
    with pytest.raises(GitHubUnavailable):
        adapter.branch(known, MAIN)


def test_a_wrong_private_key_is_told_without_showing_it(
    github: LocalGitHub, installation: Installation
) -> None:
    with LocalGitHub() as other:
        key = other.private_key
    adapter = RestGitHub(app_id=github.app_id, private_key=key, api_url=github.api_url)

    with pytest.raises(GitHubUnavailable) as caught:
        adapter.installation_of("acme", "shop")

    assert "PRIVATE KEY" not in repr(caught.value) + repr(vars(adapter)) + repr(adapter)
    adapter.close()


def test_a_damaged_private_key_signs_nothing(github: LocalGitHub) -> None:
    numbers = github.context.app_key.private_numbers()
    damaged = RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d,
        dmp1=numbers.dmp1,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp,
        public_numbers=RSAPublicNumbers(e=3, n=numbers.public_numbers.n),
    ).private_key(unsafe_skip_rsa_key_validation=True)
    key = damaged.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()
    adapter = RestGitHub(app_id=github.app_id, private_key=key, api_url=github.api_url)

    with pytest.raises(InvalidSignature):
        adapter.installation_of("acme", "shop")

    adapter.close()


def test_an_enterprise_servers_address_works(
    github: LocalGitHub, shop: Repository, known: Known
) -> None:
    github.create_branches(shop, [f"topic-{number}" for number in range(120)])
    adapter = RestGitHub(
        app_id=github.app_id, private_key=github.private_key, api_url=f"{github.url}/api/v3/"
    )

    assert len(adapter.branches(known)) == 121

    adapter.close()
