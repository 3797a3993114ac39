"""What runners are told of encryption, held against what the server can do."""

from dataclasses import replace

from app.core.instances import Instance, InstanceKind, SslMode
from app.operations.ports.postgres import Finding, ServerReport
from app.operations.services import Services

_DEMANDS = (SslMode.REQUIRE, SslMode.VERIFY_CA, SslMode.VERIFY_FULL)


def probe(services: Services, instance: Instance) -> ServerReport:
    """Test the server, and what runners are told of it. Raises as the port's `probe`."""
    return with_demand(instance, services.server_for(instance).probe())


def with_demand(instance: Instance, report: ServerReport) -> ServerReport:
    """The report, with a finding if runners demand encryption and the server has none.

    At the address that the service itself uses it prevents every job. At another one something in
    front of the server may encrypt, which nobody sees from here.
    """
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
