"""Commands about PostgreSQL servers."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from app.cli.addresses import (
    CaFile,
    Listen,
    ListenPort,
    Name,
    NoPlainPasswords,
    PlainPasswords,
    PoolerHost,
    PoolerKnows,
    PoolerPort,
    PublicHost,
    PublicPort,
    PublicSslMode,
    certificate_in,
    pooler_of,
)
from app.cli.output import (
    AsJson,
    need_changes,
    remark,
    say,
    show_record,
    show_rows,
    tell,
)
from app.cli.remarks import (
    remark_on_findings,
    remark_on_next,
    remark_on_pooler,
    remark_on_reach,
)
from app.cli.rows import instance_of, instance_record, instance_row
from app.cli.secrets import read_secret
from app.cli.target import open_client
from app.cli.which import databases_on, instance_path
from app.core.addresses import check_instance_name, is_loopback
from app.core.databases import counted
from app.core.errors import Invalid
from app.core.hosts import NotLookedAfter
from app.core.instance_requests import LOOPBACK

group = typer.Typer(no_args_is_help=True, help="PostgreSQL servers: make, link, test, forget.")


@group.command()
def provision(
    name: Name,
    *,
    listen: Listen = LOOPBACK,
    port: ListenPort = None,
    public_host: PublicHost = None,
    insecure_network: Annotated[
        bool,
        typer.Option(
            "--insecure-network",
            help="Do without TLS: passwords cross the network in the clear, so it must be trusted.",
        ),
    ] = False,
) -> None:
    """Start a PostgreSQL server of Coppice's own, on this machine.

    It runs while `serve` does, and keeps its data in the data directory.
    """
    if public_host is None and not is_loopback(listen):
        raise Invalid(
            "--listen also needs --public-host: the name by which other machines reach this one.",
            advice="Add --public-host, as in --public-host db.example.com.",
        )
    check_instance_name(name)
    with open_client() as client:
        folder = client.folder
        try:
            made = client.post(
                "/instances/provision",
                name=name,
                listen=listen,
                port=port,
                public_host=public_host,
                insecure_network=insecure_network,
            )
        except NotLookedAfter as error:
            error.advice = (
                f"{folder} is the data directory of this command: set COPPICE_DATA_DIR to the"
                " folder that is meant; or, if this is to be one more machine, start `coppice"
                " serve` with this folder first."
            )
            raise
    instance, url = instance_of(made), client.url
    address = instance.public_address
    say(f"Instance {name} is ready at {address.host}:{address.port}.")
    if made["looked_after"]:
        tell("It runs while `coppice serve` does.")
    elif client.is_elsewhere:
        tell("It runs while `coppice serve` does on its machine: none does now.")
    else:
        tell(f"It runs while `coppice serve` does with the data directory {folder}: none does now.")
    remark_on_reach(instance)
    remark_on_next(name, public_url=url, is_connected=made["github_connected"])


@group.command()
def link(  # noqa: PLR0913 - the options that people type
    name: Name,
    *,
    url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="How Coppice connects, as a role with CREATEDB and CREATEROLE:"
            " postgresql://admin:password@host:5432/postgres. `-` reads it from a prompt or stdin,"
            " so that no other user of this machine sees it.",
        ),
    ],
    public_host: PublicHost = None,
    public_port: PublicPort = None,
    public_sslmode: PublicSslMode = None,
    ca_file: CaFile = None,
    pooler_host: PoolerHost = None,
    pooler_port: PoolerPort = None,
    pooler_knows_job_logins: PoolerKnows = False,
    plain_passwords: PlainPasswords = False,
) -> None:
    """Use an existing PostgreSQL server, 16 or newer, after a try of what it allows.

    A throw-away database is made there, used as all others are, and dropped again. What is missing
    is said exactly, with what mends it. docs/providers.md has a section for each service.
    """
    check_instance_name(name)
    with open_client() as client:
        linked = client.post(
            "/instances/link",
            name=name,
            url=read_secret(url),
            public_host=public_host,
            public_port=public_port,
            public_sslmode=public_sslmode,
            ca_certificate=certificate_in(ca_file),
            pooler=pooler_of(pooler_host, pooler_port, knows_job_logins=pooler_knows_job_logins),
            plain_passwords=plain_passwords,
        )
    say(f"Instance {name} is linked: PostgreSQL {linked['test']['version']}.")
    _remark_on_tested(linked)
    remark_on_next(name, public_url=client.url, is_connected=linked["github_connected"])


@group.command()
def test(name: Name) -> None:
    """Connect to an instance, try all that databases need there, and say what is missing.

    What is tried is done: with a throw-away database, which is dropped again.
    """
    with open_client() as client:
        tested = client.post(f"{instance_path(name)}/test")
        view = client.get(instance_path(name))
    remark_on_findings(tested)
    remark_on_reach(instance_of(view))
    if not tested["usable"]:
        raise typer.Exit(1)
    if not tested["tried"] and view["host"] is not None:
        remark(
            f"Note: {view['host']} looked at its server, and made no throw-away database there."
            f" Only a test on that machine tries one: coppice instances test {name}"
        )
    say(f"Instance {name} works: PostgreSQL {tested['version']}.")


@group.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """Show all instances."""
    with open_client() as client:
        rows = [instance_row(one) for one in client.get("/instances")["items"]]
        if not as_json:
            states = defaultdict[object, list[str]](list)
            for one in client.items("/databases"):
                states[one["instance"]].append(one["state"])
            rows = [{**row, "databases": counted(states[row["name"]])} for row in rows]
    hint = "No instances yet. Make one: coppice instances provision local"
    show_rows(rows, as_json=as_json, empty=hint)


@group.command()
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show an instance and its databases."""
    with open_client() as client:
        view = client.get(instance_path(name))
        # Of who may not see it nobody has told how Coppice itself connects either.
        is_open = view["administration"] is not None
        health = client.get(f"{instance_path(name)}/health") if is_open else {}
        record = instance_record(view, databases_on(client, name), health)
    show_record(record, as_json=as_json)


@group.command()
def edit(  # noqa: PLR0913 - the options that people type
    name: Name,
    *,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="New URL for administration; `-` reads it from a prompt or stdin."
        ),
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
    no_plain_passwords: NoPlainPasswords = False,
) -> None:
    """Change an instance; what is not given stays. It is tested before the change is stored."""
    need_changes(
        "instances edit",
        *(url, public_host, public_port, public_sslmode, ca_file, no_ca),
        *(pooler_host, pooler_port, no_pooler, no_plain_passwords),
    )
    ca_certificate = certificate_in(ca_file)
    with open_client() as client:
        changed = client.patch(
            instance_path(name),
            url=read_secret(url) if url else None,
            public_host=public_host,
            public_port=public_port,
            public_sslmode=public_sslmode,
            ca_certificate="" if no_ca else ca_certificate,
            pooler=pooler_of(pooler_host, pooler_port, knows_job_logins=pooler_knows_job_logins),
            without_pooler=no_pooler,
            without_plain_passwords=no_plain_passwords,
        )
    _remark_on_tested(changed)
    say(f"Instance {name} was changed.")


def _remark_on_tested(view: Mapping[str, Any]) -> None:
    remark_on_findings(view["test"])
    remark_on_reach(instance_of(view))
    remark_on_pooler(instance_of(view))
