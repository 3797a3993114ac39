"""The name and the addresses of an instance, as options of `coppice instances link` and `edit`."""

from pathlib import Path
from typing import Annotated

import typer

from app.core.errors import Invalid
from app.core.instances import SslMode

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the instance, as in `main`.")]
Listen = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Address of this machine to listen on; 0.0.0.0 means all of them. Others than loopback"
        " need --public-host, and TLS or --insecure-network.",
    ),
]
ListenPort = Annotated[
    int | None,
    typer.Option(min=1, max=65535, metavar="PORT", help="Port to listen on. Default: a free one."),
]
PublicHost = Annotated[
    str | None,
    typer.Option(
        metavar="HOST",
        help="Host that runners and applications are told. Default: the host that Coppice itself"
        " uses.",
    ),
]
PublicPort = Annotated[
    int | None,
    typer.Option(
        min=1, max=65535, metavar="PORT", help="Port that they are told. Default: as the host."
    ),
]
PublicSslMode = Annotated[
    SslMode | None,
    typer.Option(
        help="How they protect the connection; `verify-full` is right over the internet. Default:"
        " the mode that Coppice itself uses.",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="FILE",
        help="Certificate of the server's CA in PEM, where it is none that everybody knows. Amazon"
        " RDS publishes its CAs at https://truststore.pki.rds.amazonaws.com/global/"
        "global-bundle.pem; for Cloud SQL: gcloud sql ssl server-ca-certs list --instance NAME"
        " --format='value(cert)'.",
    ),
]
PlainPasswords = Annotated[
    bool,
    typer.Option(
        "--plain-passwords",
        help="Tell the server passwords in plain, where it takes none that were hashed beforehand"
        " (as Neon, or credcheck). They may stand in its logs. Needs a connection whose certificate"
        " is checked, as with ?sslmode=verify-full; said here and nowhere later.",
    ),
]
NoPlainPasswords = Annotated[
    bool,
    typer.Option(
        "--no-plain-passwords", help="The server takes hashed ones by now; that is tried first."
    ),
]
PoolerHost = Annotated[
    str | None,
    typer.Option(
        metavar="HOST", help="Host of a connection pooler in front of the server, as PgBouncer."
    ),
]
PoolerPort = Annotated[
    int | None, typer.Option(min=1, max=65535, metavar="PORT", help="Port of that pooler.")
]
PoolerKnows = Annotated[
    bool,
    typer.Option(
        "--pooler-knows-job-logins",
        help="The pooler asks PostgreSQL for logins (PgBouncer: auth_query), so that logins of jobs"
        " work through it. Default: only long-lived logins go through it.",
    ),
]


def pooler_of(
    host: str | None, port: int | None, *, knows_job_logins: bool
) -> dict[str, object] | None:
    """A pooler as the API takes it. Raises Invalid for half of one."""
    if host is None and port is None:
        return None
    if host is None or port is None:
        missing = "--pooler-port" if port is None else "--pooler-host"
        raise Invalid(
            f"{missing} is missing: a pooler has a host and a port.",
            advice="Give both, as in --pooler-host pool.example.com --pooler-port 6432.",
        )
    return {"host": host, "port": port, "knows_job_logins": knows_job_logins}


def certificate_in(file: Path | None) -> str | None:
    if file is None:
        return None
    text = file.read_bytes().decode(errors="replace")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise Invalid(
            f"{file} does not hold a certificate in PEM.",
            advice="It begins with -----BEGIN CERTIFICATE-----; `openssl x509` converts others.",
        )
    return text
