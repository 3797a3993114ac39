"""What runners are told of encryption, held against what the server can do."""

from collections.abc import Iterator
from dataclasses import replace

from app.core.addresses import is_verified
from app.core.findings import Finding, ServerReport
from app.core.instances import Instance, InstanceKind, SslMode
from app.core.managed import certificate_at
from app.operations.services import Services

_DEMANDS = (SslMode.REQUIRE, SslMode.VERIFY_CA, SslMode.VERIFY_FULL)


PLAIN_PASSWORDS = Finding(
    code="plain_passwords",
    message="The server is told passwords in plain, as was chosen when it was linked: it takes none"
    " that were hashed beforehand. Its logs may hold them.",
    advice="Keep its logs as you keep passwords: docs/providers.md says which settings write them."
    " Once it takes hashed ones: `coppice instances edit NAME --no-plain-passwords`.",
    is_fatal=False,
)


def probe(services: Services, instance: Instance) -> ServerReport:
    """Test the server, and what runners are told of it. Raises as the port's `probe`."""
    return with_demand(instance, services.server_for(instance).probe())


def with_demand(instance: Instance, report: ServerReport) -> ServerReport:
    """The report, with a finding if runners demand encryption and the server has none.

    At the address that the service itself uses it prevents every job. At another one something in
    front of the server may encrypt, which nobody sees from here. And what there is to know of the
    service's own way there.
    """
    report = replace(report, findings=(*report.findings, *_of_the_way(instance)))
    public = instance.public_address
    if public.sslmode not in _DEMANDS or report.has_tls is not False:
        return report
    finding = Finding(
        code="public_tls",
        message=f"Runners are told to demand encryption (sslmode {public.sslmode.value}) at"
        f" {public.host}:{public.port}, and the server has none: ssl is off.",
        advice=_advice(instance),
        is_fatal=_is_same_address(instance),
    )
    found = sorted((finding, *report.findings), key=lambda one: not one.is_fatal)
    return replace(report, findings=tuple(found))


def _of_the_way(instance: Instance) -> Iterator[Finding]:
    """What to know of the service's own connection."""
    if instance.has_plain_passwords:
        yield PLAIN_PASSWORDS
    address = instance.admin.address
    certificate = certificate_at(address.host)
    if certificate is not None and not is_verified(address):
        yield Finding(
            code="certificate",
            message=f"Nobody checks that {address.host} is who it says it is: sslmode"
            f" {address.sslmode.value}.",
            advice=certificate,
            is_fatal=False,
        )


def _advice(instance: Instance) -> str:
    if instance.kind is InstanceKind.PROVISIONED:
        way = "provision another with PostgreSQL programs that have TLS (COPPICE_POSTGRES_BIN)"
    else:
        way = "set ssl = on, ssl_cert_file and ssl_key_file in its postgresql.conf and reload it"
    doing_without = (
        "on a network that is trusted, tell runners sslmode disable (--public-sslmode disable)."
    )
    if _is_same_address(instance):
        return f"{way[0].upper()}{way[1:]}; or, {doing_without}"
    host = instance.public_address.host
    return (
        f"Right if something in front of it encrypts at {host}. If not: {way}; or, {doing_without}"
    )


def _is_same_address(instance: Instance) -> bool:
    admin, public = instance.admin.address, instance.public_address
    return (admin.host.lower(), admin.port) == (public.host.lower(), public.port)
