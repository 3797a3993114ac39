"""Gathering the facts that a decision rests on: the state's word, and GitHub's live one."""

from dataclasses import replace

from app.core.assignments import Policies
from app.core.claims import Claims
from app.core.errors import GitHubUnavailable
from app.core.facts import Facts
from app.core.repositories import InstallationState, Repository
from app.core.revisions import pull_request_of
from app.operations.services import Services


def gather(services: Services, claims: Claims, *, policies: Policies | None) -> Facts:
    """Everything known about a job; what GitHub cannot say now stays unknown, never "no"."""
    stored = services.repositories.get(claims.repository_id)
    if stored is None or stored.installation_id is None:
        return Facts(repository=stored, installation=InstallationState.REMOVED, policies=policies)
    facts = Facts(repository=stored, installation=stored.installation_state, policies=policies)
    try:
        live = services.github.repository(stored.installation_id, stored.full_name)
        if live is None:
            return replace(facts, installation=InstallationState.REMOVED)
        return _of_live(services, claims, replace(facts, live=live), live)
    except GitHubUnavailable:
        return facts


def _of_live(services: Services, claims: Claims, facts: Facts, live: Repository) -> Facts:
    run = services.github.workflow_run(live, claims.run_id)
    facts = replace(facts, run=run, is_run_missing=run is None)
    number = pull_request_of(claims)
    if claims.event_name != "pull_request" or number is None:
        return facts
    return replace(facts, pull_request=services.github.pull_request(live, number))
