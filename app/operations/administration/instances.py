"""Instances: making, linking, testing and forgetting PostgreSQL servers."""

from contextlib import suppress
from dataclasses import replace

from app.core.addresses import (
    check_host,
    check_instance_name,
    is_loopback,
    kind_of,
    parse_server_url,
)
from app.core.audit import AuditEvent
from app.core.errors import Conflict, CoppiceError, Invalid, NotFound, ProvisioningFailed
from app.core.findings import ServerReport
from app.core.hosts import OnAnotherHost
from app.core.instance_requests import LOOPBACK, InstanceChanges, LinkRequest, ProvisionRequest
from app.core.instances import Address, AdminLogin, Instance, InstanceKind, SslMode
from app.core.ownership import check_own_way_in
from app.core.people import Manage, Operate
from app.operations.access import Permitted
from app.operations.administration import machines, trying
from app.operations.administration.instance_requests import Clusters
from app.operations.administration.same_server import with_neighbours
from app.operations.administration.trying import usable
from app.operations.databases import encryption, measuring
from app.operations.services import Services
from app.store.store import Store


def provision(
    permitted: Permitted[Services, Operate], clusters: Clusters, request: ProvisionRequest
) -> Instance:
    """Start a PostgreSQL server of our own and store it.

    Raises Conflict when the name is taken, NotLookedAfter where it would stop before long.
    """
    services = permitted.subject
    check_instance_name(request.name)
    _refuse_taken(services.store, request.name)
    machines.refuse_beside_others(services.store, clusters)
    is_local = is_loopback(request.listen)
    public_host = check_host(request.public_host or (LOOPBACK if is_local else ""))
    tls_host = None if is_local or request.insecure_network else public_host
    if tls_host and not clusters.has_tls():
        raise Invalid(
            "These PostgreSQL programs cannot encrypt connections, so passwords would cross the"
            " network in the clear.",
            advice=(
                "Set COPPICE_POSTGRES_BIN to programs built with TLS, or accept unencrypted"
                " connections (--insecure-network) if the network itself is trusted."
            ),
        )
    # Two would have one server, with the password of whoever came last.
    with services.store.instances.exclusively(request.name):
        _refuse_taken(services.store, request.name)
        services.store.hosts.claim()
        made = clusters.provision(
            request.name, listen=request.listen, port=request.port, tls_host=tls_host
        )
        sslmode = SslMode.VERIFY_FULL if made.ca_certificate else SslMode.DISABLE
        instance = Instance(
            name=request.name,
            kind=InstanceKind.PROVISIONED,
            admin=made.admin,
            public_address=Address(
                host=public_host,
                port=made.admin.address.port,
                sslmode=sslmode,
                ca_certificate=made.ca_certificate,
            ),
            host=services.store.hosts.here,
        )
        instance = _add(services, instance, action=AuditEvent.INSTANCES_PROVISION)
    # What it is, for pages and lists, before the first measurement by the clock.
    with suppress(CoppiceError):
        measuring.ask(services, instance)
    return instance


def link(
    permitted: Permitted[Services, Operate], request: LinkRequest
) -> tuple[Instance, ServerReport]:
    """Store an existing server after a test. Raises NotUsable with what is missing."""
    services = permitted.subject
    instance, report = _tried(services, request)
    instance = _add(services, instance, action=AuditEvent.INSTANCES_LINK)
    measuring.keep(services, instance, report)
    return instance, with_neighbours(services, instance, report)


def try_link(
    permitted: Permitted[Services, Operate], request: LinkRequest
) -> tuple[Instance, ServerReport]:
    """Test an existing server and say how it would be stored. Raises as `link` does."""
    services = permitted.subject
    instance, report = _tried(services, request)
    return instance, with_neighbours(services, instance, report)


def _tried(services: Services, request: LinkRequest) -> tuple[Instance, ServerReport]:
    check_instance_name(request.name)
    _refuse_taken(services.store, request.name)
    admin, sslmode = parse_server_url(request.url)
    admin = _trusting(admin, request.ca_certificate)
    instance = Instance(
        name=request.name,
        kind=kind_of(request.url),
        admin=admin,
        public_address=admin.address,
        has_plain_passwords=request.plain_passwords,
    )
    instance, report = _tested(services, instance, is_sslmode_open=sslmode is None)
    report = trying.tried(services, instance, report)
    trying.check_plain_needed(report)
    instance = _with_public(instance, request)
    return instance, _with_demand(instance, report)


def edit(
    services: Services, permitted: Permitted[Instance, Manage], changes: InstanceChanges
) -> tuple[Instance, ServerReport]:
    """Change an instance after a test of what it will be."""
    instance = permitted.subject
    if not services.store.hosts.is_here(instance):
        raise OnAnotherHost(instance, services.store.hosts.of(instance))
    if changes.url is not None or _has_new_pooler(instance, changes):
        check_own_way_in(services.actor)
    if changes.ca_certificate is not None:
        ca_certificate = changes.ca_certificate or None
        instance = replace(
            instance,
            admin=_trusting(instance.admin, ca_certificate),
            public_address=replace(instance.public_address, ca_certificate=ca_certificate),
        )
    is_sslmode_open = False
    if changes.url is not None:
        admin, sslmode = parse_server_url(changes.url)
        is_sslmode_open = sslmode is None
        admin = _trusting(admin, instance.public_address.ca_certificate)
        instance = replace(instance, admin=admin)
    if changes.without_plain_passwords:
        instance = replace(instance, has_plain_passwords=False)
    instance, report = _tested(services, instance, is_sslmode_open=is_sslmode_open)
    if changes.url is not None or changes.without_plain_passwords:
        report = trying.tried(services, instance, report)
    instance = _with_public(instance, changes)
    if changes.without_pooler:
        instance = replace(instance, pooler_address=None, pooler_knows_job_logins=False)
    report = _with_demand(instance, report)
    services.store.instances.update(instance)
    measuring.keep_trial(services, instance, report)
    services.record(AuditEvent.INSTANCES_EDIT, instance.name)
    # What was wrong before is shown no longer.
    with suppress(CoppiceError):
        measuring.ask(services, instance)
    return instance, with_neighbours(services, instance, report)


def test(services: Services, permitted: Permitted[Instance, Manage]) -> ServerReport:
    """Connect and say what is missing; pages and lists show it from now on."""
    instance = permitted.subject
    report = measuring.ask_for_person(services, instance)
    if services.store.hosts.is_here(instance):
        report = trying.tried(services, instance, report)
        measuring.keep_trial(services, instance, report)
    return with_neighbours(services, instance, report)


def _refuse_taken(store: Store, name: str) -> None:
    try:
        store.instances.named(name)
    except NotFound:
        return
    raise Conflict(
        f"There is an instance named {name} already.",
        advice="Choose another name, or look at it with `coppice instances show`.",
    )


def _add(services: Services, instance: Instance, *, action: AuditEvent) -> Instance:
    instance_id = services.store.instances.add(instance)
    services.record(action, instance.name)
    return replace(instance, id=instance_id)


def _trusting(admin: AdminLogin, ca_certificate: str | None) -> AdminLogin:
    return replace(admin, address=replace(admin.address, ca_certificate=ca_certificate))


def _tested(
    services: Services, instance: Instance, *, is_sslmode_open: bool
) -> tuple[Instance, ServerReport]:
    """The instance with an sslmode that works, and what the test found.

    Runners are told a definite mode: some clients do not know `prefer`.
    """
    if not is_sslmode_open:
        modes = [instance.admin.address.sslmode]
    elif instance.admin.address.ca_certificate is not None or instance.has_plain_passwords:
        modes = [SslMode.VERIFY_FULL]
    else:
        modes = [SslMode.REQUIRE, SslMode.DISABLE]
    for mode in modes:
        tried = replace(
            instance,
            admin=replace(instance.admin, address=replace(instance.admin.address, sslmode=mode)),
        )
        trying.check_plain_passwords(tried)
        try:
            report = services.server_for(tried).probe()
        except ProvisioningFailed as error:
            # Nothing else may lead to a weaker mode: whoever sits in between could bring it about.
            if error.code != "no_tls" or mode is modes[-1]:
                raise
            continue
        return tried, usable(report)
    raise AssertionError("unreachable: the last mode returns or raises")


def _with_demand(instance: Instance, report: ServerReport) -> ServerReport:
    """The report of what the instance will be, with what runners are told. Raises NotUsable."""
    return usable(encryption.with_demand(instance, report))


def _has_new_pooler(instance: Instance, changes: InstanceChanges) -> bool:
    """Whether the service is to connect to another pooler, as it does for each login through it."""
    wanted, present = changes.pooler, instance.pooler_address
    if wanted is None:
        return False
    return present is None or (wanted.host, wanted.port) != (present.host, present.port)


def _with_public(instance: Instance, wanted: LinkRequest | InstanceChanges) -> Instance:
    is_new = instance.id == 0
    before = instance.admin.address if is_new else instance.public_address
    public = Address(
        host=check_host(wanted.public_host or before.host),
        port=wanted.public_port or before.port,
        sslmode=wanted.public_sslmode or before.sslmode,
        ca_certificate=before.ca_certificate,
    )
    instance = replace(instance, public_address=public)
    if wanted.pooler is None:
        return instance
    pooler = replace(public, host=check_host(wanted.pooler.host), port=wanted.pooler.port)
    return replace(
        instance, pooler_address=pooler, pooler_knows_job_logins=wanted.pooler.knows_job_logins
    )
