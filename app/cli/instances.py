"""Commands about PostgreSQL servers."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import AsJson, Row, Yes, confirm, remark, say, show_record, show_rows
from app.cli.remarks import remark_on_findings, remark_on_reach
from app.cli.secrets import read_secret
from app.cli.session import open_session
from app.core.addresses import is_loopback
from app.core.errors import Invalid
from app.core.instances import InstanceKind, SslMode
from app.operations.administration import instances
from app.operations.administration.instance_requests import (
    LOOPBACK,
    InstanceChanges,
    LinkRequest,
    Pooler,
    ProvisionRequest,
)
from app.operations.administration.instances import InstanceOverview
from app.operations.administration.limits import described

group = typer.Typer(no_args_is_help=True, help="PostgreSQL servers: make, link, test, forget.")

Name = Annotated[str, typer.Argument(help="Name of the instance.")]
PublicHost = Annotated[
    str | None, typer.Option(help="Host that runners and applications are told.")
]
PublicPort = Annotated[int | None, typer.Option(min=1, max=65535, help="Port that they are told.")]
PublicSslMode = Annotated[SslMode | None, typer.Option(help="How they protect the connection.")]
CaFile = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="The server's CA, in PEM.")
]
PoolerHost = Annotated[str | None, typer.Option(help="Host of a pooler in front of the server.")]
PoolerPort = Annotated[int | None, typer.Option(min=1, max=65535, help="Port of that pooler.")]
PoolerKnows = Annotated[
    bool,
    typer.Option(
        "--pooler-knows-job-logins",
        help="The pooler asks PostgreSQL for logins, so job logins work through it.",
    ),
]


@group.command()
def provision(
    name: Name,
    *,
    listen: Annotated[str, typer.Option(help="Address to listen on.")] = LOOPBACK,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on; default a free one.")
    ] = None,
    public_host: PublicHost = None,
    insecure_network: Annotated[
        bool,
        typer.Option(
            "--insecure-network", help="Accept unencrypted connections: a trusted network only."
        ),
    ] = False,
) -> None:
    """Start a PostgreSQL server of Coppice's own."""
    if public_host is None and not is_loopback(listen):
        raise Invalid(
            "--listen also needs --public-host: the name by which other machines reach this one.",
            advice="Add --public-host, as in --public-host db.example.com.",
        )
    request = ProvisionRequest(
        name=name,
        listen=listen,
        port=port,
        public_host=public_host,
        insecure_network=insecure_network,
    )
    with open_session() as session:
        instance = instances.provision(session.services, session.clusters, request)
    address = instance.public_address
    say(f"Instance {name} is ready at {address.host}:{address.port}.")
    say("It runs while `python -m app serve` does.")
    remark_on_reach(instance)
    remark("Next: python -m app apps assign OWNER/REPO " + name)


@group.command()
def link(  # noqa: PLR0913 - the options that people type
    name: Name,
    *,
    url: Annotated[
        str,
        typer.Option(help="postgresql://admin:password@host:5432/postgres, or - to read it."),
    ],
    public_host: PublicHost = None,
    public_port: PublicPort = None,
    public_sslmode: PublicSslMode = None,
    ca_file: CaFile = None,
    pooler_host: PoolerHost = None,
    pooler_port: PoolerPort = None,
    pooler_knows_job_logins: PoolerKnows = False,
) -> None:
    """Use an existing PostgreSQL server, after a test of what it allows."""
    request = LinkRequest(
        name=name,
        url=read_secret(url),
        public_host=public_host,
        public_port=public_port,
        public_sslmode=public_sslmode,
        ca_certificate=ca_file.read_text() if ca_file else None,
        pooler=_pooler(pooler_host, pooler_port, knows_job_logins=pooler_knows_job_logins),
    )
    with open_session() as session:
        instance, report = instances.link(session.services, request)
    say(f"Instance {name} is linked: PostgreSQL {report.version}.")
    remark_on_findings(report)
    remark_on_reach(instance)
    remark("Next: python -m app apps assign OWNER/REPO " + name)


@group.command()
def test(name: Name) -> None:
    """Connect to an instance and say what is missing."""
    with open_session() as session:
        instance = session.services.instances.named(name)
        report = instances.test(session.services, name)
    remark_on_findings(report)
    remark_on_reach(instance)
    if not report.is_usable:
        raise typer.Exit(1)
    say(f"Instance {name} works: PostgreSQL {report.version}.")


@group.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """Show all instances."""
    with open_session() as session:
        found = [
            instances.overview(session.services, instance)
            for instance in session.services.instances.all()
        ]
    rows = [_summary(one) for one in found]
    hint = "No instances yet. Make one: python -m app instances provision local"
    show_rows(rows, as_json=as_json, empty=hint)


@group.command()
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show an instance and its databases."""
    with open_session() as session:
        one = instances.overview(session.services, session.services.instances.named(name))
    instance, pooler = one.instance, one.instance.pooler_address
    record = {
        **_summary(one),
        "admin_address": f"{instance.admin.address.host}:{instance.admin.address.port}",
        "admin_user": instance.admin.user,
        "sslmode": instance.public_address.sslmode,
        "own_ca": instance.public_address.ca_certificate is not None,
        "pooler": f"{pooler.host}:{pooler.port}" if pooler else None,
        "pooler_knows_job_logins": instance.pooler_knows_job_logins,
        "limits": described(one.limits),
        "owner": one.owner,
        "databases": [f"{database.name} ({database.state})" for database in one.databases],
    }
    show_record(record, as_json=as_json)


@group.command()
def edit(  # noqa: PLR0913 - the options that people type
    name: Name,
    *,
    url: Annotated[
        str | None, typer.Option(help="New administration URL, or - to read it.")
    ] = None,
    public_host: PublicHost = None,
    public_port: PublicPort = None,
    public_sslmode: PublicSslMode = None,
    ca_file: CaFile = None,
    no_ca: Annotated[bool, typer.Option("--no-ca", help="Forget the server's own CA.")] = False,
    pooler_host: PoolerHost = None,
    pooler_port: PoolerPort = None,
    pooler_knows_job_logins: PoolerKnows = False,
    no_pooler: Annotated[bool, typer.Option("--no-pooler", help="Use no pooler.")] = False,
) -> None:
    """Change an instance; it is tested before the change is stored."""
    ca_certificate = ca_file.read_text() if ca_file else None
    changes = InstanceChanges(
        url=read_secret(url) if url else None,
        public_host=public_host,
        public_port=public_port,
        public_sslmode=public_sslmode,
        ca_certificate="" if no_ca else ca_certificate,
        pooler=_pooler(pooler_host, pooler_port, knows_job_logins=pooler_knows_job_logins),
        without_pooler=no_pooler,
    )
    with open_session() as session:
        instance, report = instances.edit(session.services, name, changes)
    remark_on_findings(report)
    remark_on_reach(instance)
    say(f"Instance {name} was changed.")


@group.command()
def delete(name: Name, *, yes: Yes = False) -> None:
    """Delete a provisioned instance with all its data, or forget a linked one."""
    with open_session() as session:
        instance = session.services.instances.named(name)
        if instance.kind is InstanceKind.PROVISIONED:
            question = f"This removes {name} with ALL ITS DATA for good."
        else:
            question = f"This forgets {name}; its databases stay on the server."
        confirm(question, name=name, is_confirmed=yes)
        instances.delete(session.services, session.clusters, name)
    say(f"Instance {name} is gone.")


def _summary(one: InstanceOverview) -> Row:
    public = one.instance.public_address
    return {
        "name": one.instance.name,
        "status": one.status.value,
        "kind": one.instance.kind.value,
        "address": f"{public.host}:{public.port}",
        "apps": list(one.app_ids),
        "databases": len(one.databases),
    }


def _pooler(host: str | None, port: int | None, *, knows_job_logins: bool) -> Pooler | None:
    if host is None and port is None:
        return None
    if host is None or port is None:
        raise Invalid("--pooler-host and --pooler-port go together.")
    return Pooler(host=host, port=port, knows_job_logins=knows_job_logins)
