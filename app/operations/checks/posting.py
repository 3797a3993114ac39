"""Posting check runs to GitHub, within its limits; late is fine, lost or doubled is not."""

from app.core.identifiers import CheckId
from app.core.repositories import Repository
from app.operations.services import Services


def post_check(services: Services, check_id: CheckId, *, is_urgent: bool = True) -> None:
    """Bring GitHub's check run to the content wanted now; several changes become one write.

    Queues itself again while the installation's budget is used up. Raises GitHubUnavailable when
    GitHub fails. A repository that the App no longer sees gets nothing.
    """
    check = services.store.checks.get(check_id)
    repository = services.store.repositories.get(check.repository_id)
    if check.is_posted or repository is None or not repository.is_active:
        return
    if repository.installation_id is None:
        return
    wait_seconds = services.store.checks.take_write(repository.installation_id, kind="check")
    if wait_seconds:
        services.store.checks.post_later(check_id, delay_seconds=wait_seconds, is_urgent=is_urgent)
        return
    with services.store.checks.exclusively(check_id):
        _publish(services, check_id, repository)


def _publish(services: Services, check_id: CheckId, repository: Repository) -> None:
    """Under the lock: of two workers one would make a second check run, or put old content back."""
    check = services.store.checks.get(check_id)
    if check.is_posted:
        return
    wanted = services.store.checks.version(check_id)
    github_id = services.github.publish_check(
        repository,
        check.head_sha,
        services.store.checks.get(check_id).content,
        check_id=check_id,
        github_id=check.github_id,
    )
    services.store.checks.posted(check_id, github_id=github_id, wanted=wanted)
