"""`doctor`: what works, what does not, and what to do about it."""

from collections.abc import Callable, Iterator

from app.core import queues
from app.core.assignments import Parent
from app.core.databases import DatabaseState, counted
from app.core.errors import CoppiceError
from app.core.findings import ServerReport, acknowledged, by_whom
from app.core.github_app import permissions_for
from app.core.instances import Instance, InstanceKind
from app.core.pages import run_page
from app.core.reach import is_for_this_machine_only, pooler_is_away, way_for_others
from app.operations.administration import machines, same_server
from app.operations.administration.diagnosis import Diagnosis, Health, ok, warning
from app.operations.administration.github_diagnosis import github
from app.operations.administration.surroundings import Surroundings
from app.operations.databases import encryption
from app.operations.databases.standing import confirmed_differences
from app.operations.databases.strays import unknown_databases
from app.operations.databases.templates import current_of
from app.operations.services import Services
from app.store.store import Store

_LITTLE_SPACE_BYTES = 1024**3
_LITTLE_SPACE_PERCENT = 10
_LATE_SECONDS = 30.0
_MANY_RESTARTS = 3


def diagnose(
    services: Services,
    surroundings: Surroundings,
    *,
    settings_warnings: tuple[str, ...],
    operators: tuple[str, ...] = (),
) -> Iterator[Diagnosis]:
    """Look at everything, one part after the other; a part that fails holds back no other."""
    rights = permissions_for(operators)
    for words in settings_warnings:
        yield warning("settings", words, "Correct the setting and start again.")
    looks: list[tuple[str, Callable[[], Iterator[Diagnosis]]]] = [
        ("state database", lambda: _state(services.store, surroundings)),
        ("worker", lambda: _queue(services.store)),
        ("restarts", lambda: _restarts(surroundings)),
        (
            "GitHub App",
            lambda: github(services, surroundings, rights),
        ),
        ("OIDC issuer", lambda: _issuer(surroundings)),
        ("disk", lambda: _disk(surroundings)),
        ("this machine", lambda: machines.this(services.store, surroundings)),
        ("databases", lambda: _databases(services)),
        ("templates", lambda: _templates(services)),
    ]
    for instance in services.store.instances.all():
        what = f"instance {instance.name}"
        looks.append((what, lambda one=instance: _instance(services, surroundings, one)))  # type: ignore[misc]
    for what, look in looks:
        try:
            yield from look()
        except CoppiceError as error:
            yield Diagnosis(what=what, health=Health.BROKEN, words=str(error), advice=error.advice)


def _state(store: Store, surroundings: Surroundings) -> Iterator[Diagnosis]:
    # That it opened means that the schema is up to date and the keys fit.
    yield ok("state database", f"PostgreSQL {surroundings.state_version()}; the keys fit")
    access = store.state.access()
    if access.is_open:
        found = same_server.open_state(access)
        yield warning("state database", found.message, found.advice)


def _queue(store: Store) -> Iterator[Diagnosis]:
    traffic = store.queue.traffic()
    if not traffic.workers:
        yield Diagnosis(
            what="worker",
            health=Health.BROKEN,
            words=f"none is alive; {queues.waiting(traffic.waiting)}",
            advice="Start `coppice serve`, or `coppice worker`.",
        )
    elif traffic.oldest_seconds > _LATE_SECONDS:
        yield warning(
            "worker",
            f"{queues.waiting(traffic.waiting)}, one for {traffic.oldest_seconds:.0f} seconds",
            "Jobs wait for GitHub or a server; the worker's log says which.",
        )
    else:
        yield ok("worker", f"alive; {queues.waiting(traffic.waiting)}")
    for what, words in queues.troubles(traffic):
        yield Diagnosis(
            what=what,
            health=Health.BROKEN,
            words=words,
            advice="The worker's log says why; restart it, and report what it says.",
        )
    if traffic.failed:
        yield warning(
            "jobs",
            f"{traffic.failed} were given up in the last day",
            "The worker's log says why; `coppice reconcile` does again what is missing.",
        )


def _restarts(surroundings: Surroundings) -> Iterator[Diagnosis]:
    for one in surroundings.restarts():
        if one.recent:
            yield Diagnosis(
                what=one.what,
                health=Health.BROKEN if one.recent >= _MANY_RESTARTS else Health.WARNING,
                words=f"ended by itself and was started again {one.recent} times in ten minutes",
                advice="The log of `serve` says why it ended.",
            )


def _issuer(surroundings: Surroundings) -> Iterator[Diagnosis]:
    keys = surroundings.signing_keys()
    yield ok("OIDC issuer", f"publishes {keys} key{'s' if keys != 1 else ''}")


def _disk(surroundings: Surroundings) -> Iterator[Diagnosis]:
    space = surroundings.free_space()
    percent = 100 * space.free_bytes // max(space.total_bytes, 1)
    words = f"{space.free_bytes / 1024**3:.1f} GiB free ({percent} %) at {space.folder}"
    if space.free_bytes < _LITTLE_SPACE_BYTES or percent < _LITTLE_SPACE_PERCENT:
        yield warning("disk", words, "A full disk stops PostgreSQL: make room.")
    else:
        yield ok("disk", words)


def _databases(services: Services) -> Iterator[Diagnosis]:
    found = services.store.databases.all()
    failed = [one for one in found if one.state is DatabaseState.ERROR]
    for one in failed:
        yield Diagnosis(
            what=f"database {one.name}",
            health=Health.BROKEN,
            words=one.reason or "it could not be made",
            # The reason says what to look at first where Fix could hide what was lost.
            advice=""
            if one.waits_for_person and not one.is_shut
            else f"coppice databases fix {one.name}",
        )
    differing = list(_differing(services))
    yield from differing
    if not failed and not differing:
        states = [one.state for one in found if not one.is_set_aside]
        yield ok("databases", f"{counted(states)}, none in error")
    for stray in unknown_databases(services):
        yield Diagnosis(
            what=f"database {stray.name}",
            health=Health.BROKEN if stray.is_of_known_app else Health.WARNING,
            words=f"stands on {stray.instance}, and nothing is known of it here",
            advice="Somebody may have made or renamed it, or it is newer than a restored state"
            " database. It is left alone; look before you drop it on the server.",
        )


def _templates(services: Services) -> Iterator[Diagnosis]:
    """Where new databases begin otherwise than as a clone of what the default branch is now."""
    store = services.store
    for assignment in store.apps.assignments():
        if assignment.policies.parent is Parent.EMPTY:
            continue
        app_id = assignment.app.id
        current, last = current_of(store, assignment), store.migrations.last_of_template(app_id)
        begin = f"new databases begin as {current.name}" if current else "new databases begin empty"
        if last is not None and last.finished_at is not None and not last.is_good:
            page = run_page(services.public_url, app_id, last.run_id)
            words = f"its last one failed in run {last.run_id}: {last.result}; {begin}"
            yield warning(f"template of {app_id}", words, f"The run's page says why: {page}")
        elif current is None:
            words = f"there is none yet; {begin}"
            advice = "The next run on the default branch makes one after production."
            yield warning(f"template of {app_id}", words, advice)


def _differing(services: Services) -> Iterator[Diagnosis]:
    """What stands on the servers is not what the rows say."""
    for instance in services.store.instances.all():
        try:
            found = list(confirmed_differences(services, instance))
        except CoppiceError:
            continue  # told with the instance
        for one in found:
            told = one.told
            yield Diagnosis(
                what=f"database {one.database.name}",
                health=Health.BROKEN,
                words=f"{one.database.state.value} here; on {instance.name}: {told}",
                advice=told.advice,
            )


def _findings(store: Store, instance: Instance, report: ServerReport) -> Iterator[Diagnosis]:
    """What is found now, and what failed when it was last tried by doing it."""
    what = f"instance {instance.name}"
    accepted = store.acknowledgements.of_instance(instance.id)
    for finding in report.findings:
        known = acknowledged(finding, accepted)
        if known is not None:
            yield ok(what, f"{finding.message} (accepted {by_whom(known)})")
            continue
        health = Health.BROKEN if finding.is_fatal else Health.WARNING
        yield Diagnosis(what=what, health=health, words=finding.message, advice=finding.advice)
    trial = store.measurements.trial_of(instance.id)
    for finding in trial.failures if trial else ():
        yield Diagnosis(
            what=what,
            health=Health.BROKEN,
            words=f"{finding.message} So it was on {trial.tried_at:%Y-%m-%d %H:%M} UTC."
            if trial
            else finding.message,
            advice=f"{finding.advice} `coppice instances test {instance.name}` tries it again.",
        )


def _instance(
    services: Services, surroundings: Surroundings, instance: Instance
) -> Iterator[Diagnosis]:
    what, public = f"instance {instance.name}", instance.public_address
    is_ours = instance.kind is InstanceKind.PROVISIONED
    if not services.store.hosts.is_here(instance):
        yield from machines.instance(services.store, instance)
        return
    report = encryption.probe(services, instance)
    yield from _findings(services.store, instance, report)
    if is_for_this_machine_only(instance):
        yield warning(
            what,
            f"only this machine reaches it: runners are told {public.host}",
            way_for_others(instance),
        )
    elif not surroundings.reaches(public):
        yield warning(
            what,
            f"{public.host}:{public.port}, which runners are told, does not answer from here",
            "Check the name, the firewall and where the server listens"
            + (" (--listen at `coppice instances provision`)" if is_ours else "")
            + "; ignore this if only runners shall reach it.",
        )
    pooler, away = instance.pooler_address, pooler_is_away(instance)
    if pooler is not None and away is not None and not surroundings.reaches(pooler):
        yield warning(what, *away)
    if report.is_usable:
        yield ok(what, f"PostgreSQL {report.version}")
