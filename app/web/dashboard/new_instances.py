"""Provisioning, linking and editing instances: the forms, and what a connection test says."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import managed
from app.core.addresses import check_host, is_loopback, parse_server_url
from app.core.errors import CoppiceError, Invalid
from app.core.findings import ServerReport
from app.core.instance_requests import (
    LOOPBACK,
    InstanceChanges,
    LinkRequest,
    Pooler,
    ProvisionRequest,
)
from app.core.instances import Instance, InstanceKind, SslMode
from app.core.people import Manage, Operate, Oversee, SeeServer
from app.operations import access
from app.operations.administration import instances
from app.operations.databases import measuring
from app.web.dashboard import fields
from app.web.dashboard.notices import done
from app.web.identity import acting

pages = Blueprint("new_instances", __name__)

_FIELDS = (
    *("name", "host", "port", "user", "database", "sslmode"),
    *("public_host", "public_port", "public_sslmode", "ca_certificate"),
    *("pooler_host", "pooler_port", "pooler_knows_job_logins", "plain_passwords"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What a connection test found."""

    instance: Instance
    report: ServerReport


@pages.get("/provision")
def provision_form(error: CoppiceError | None = None) -> ResponseReturnValue:
    access.service(acting(), Oversee)
    page = render_template("provision.html", given=request.form, error=error)
    return page, fields.status_of(error)


@pages.post("/provision")
def provision() -> ResponseReturnValue:
    operator = access.service(acting(), Operate)
    try:
        wanted = ProvisionRequest(
            name=fields.text("name"),
            listen=fields.text("listen") or LOOPBACK,
            port=fields.port("port", "The port"),
            public_host=fields.text("public_host") or None,
            insecure_network=fields.is_checked("insecure_network"),
        )
        if wanted.public_host is None and not is_loopback(wanted.listen):
            raise Invalid(
                "Other machines need a name for this one.",
                advice="Fill in the host that runners and applications are told.",
            )
        instance = instances.provision(operator, current_app.extensions["clusters"], wanted)
    except CoppiceError as error:
        return provision_form(error)
    measuring.measure_instance(operator.subject, instance.id)
    return done(url_for("dashboard.instances.show", name=instance.name), "provisioned")


@pages.get("/link")
def link_form(
    error: CoppiceError | None = None, tested: Tested | None = None
) -> ResponseReturnValue:
    access.service(acting(), Oversee)
    return _page(_filled(), error, tested=tested)


@pages.post("/link")
def link() -> ResponseReturnValue:
    """Test, or store after a test; "fill" only takes a connection string apart."""
    operator = access.service(acting(), Operate)
    act = fields.text("act")
    if act == "fill":
        try:
            parse_server_url(fields.text("url"))
        except CoppiceError as error:
            return link_form(error)
        return link_form()
    try:
        wanted = _link_request()
        if act == "test":
            instance, report = instances.try_link(operator, wanted)
            return link_form(tested=Tested(instance=instance, report=report))
        instance, _ = instances.link(operator, wanted)
    except CoppiceError as error:
        return link_form(error)
    measuring.measure_instance(operator.subject, instance.id)
    return done(url_for("dashboard.instances.show", name=instance.name), "linked")


@pages.get("/instances/<name>/edit")
def edit(name: str, error: CoppiceError | None = None) -> ResponseReturnValue:
    instance = access.instance(acting(), name, SeeServer).subject
    given = request.form if request.method == "POST" else _of_instance(instance)
    return _page(given, error, instance=instance)


@pages.post("/instances/<name>/edit")
def save(name: str) -> ResponseReturnValue:
    services = acting()
    present = access.instance(services, name, Manage)
    try:
        pooler = _pooler()
        # That of a server of our own is ours too, and stands in no form.
        is_ours = present.subject.kind is InstanceKind.PROVISIONED
        changes = InstanceChanges(
            url=fields.text("url") or None,
            public_host=fields.text("public_host") or None,
            public_port=fields.port("public_port", "The port that runners are told"),
            public_sslmode=_sslmode("public_sslmode"),
            ca_certificate=None if is_ours else _certificate() or "",
            pooler=pooler,
            without_pooler=pooler is None,
            without_plain_passwords=fields.is_checked("without_plain_passwords"),
        )
        instance, _ = instances.edit(services, present, changes)
    except CoppiceError as error:
        return edit(name, error)
    measuring.measure_instance(services, instance.id)
    return done(url_for("dashboard.instances.show", name=name), "instance-edited")


def _page(
    given: Mapping[str, str],
    error: CoppiceError | None,
    *,
    tested: Tested | None = None,
    instance: Instance | None = None,
) -> ResponseReturnValue:
    about = {"given": given, "error": error, "tested": tested, "instance": instance}
    return render_template("link.html", **about, services=managed.ALL), fields.status_of(error)


def _link_request() -> LinkRequest:
    return LinkRequest(
        name=fields.text("name"),
        url=_url(),
        public_host=fields.text("public_host") or None,
        public_port=fields.port("public_port", "The port that runners are told"),
        public_sslmode=_sslmode("public_sslmode"),
        ca_certificate=_certificate(),
        pooler=_pooler(),
        plain_passwords=fields.is_checked("plain_passwords"),
    )


def _url() -> str:
    """The connection string that was pasted, or without one that which the fields make."""
    if fields.text("url"):
        return fields.text("url")
    for name, label in (("host", "Host"), ("user", "Role"), ("password", "Password")):
        if not request.form.get(name, "").strip():
            raise Invalid(
                f"{label} is empty.", advice="Fill it in, or paste a connection string instead."
            )
    host = check_host(fields.text("host"))
    shown = f"[{host}]" if ":" in host else host
    login = f"{quote(fields.text('user'), safe='')}:{quote(request.form['password'], safe='')}"
    port = fields.port("port", "The port") or 5432
    database = quote(fields.text("database") or "postgres", safe="")
    sslmode = fields.text("sslmode")
    options = f"?sslmode={quote(sslmode, safe='')}" if sslmode else ""
    return f"postgresql://{login}@{shown}:{port}/{database}{options}"


def _filled() -> Mapping[str, str]:
    """The fields as given, or as a pasted connection string says; one that says nothing stays."""
    given = {name: request.form.get(name, "") for name in (*_FIELDS, "password")}
    text = request.form.get("url", "").strip()
    if not text:
        return given
    try:
        admin, sslmode = parse_server_url(text)
    except CoppiceError:
        return {**given, "url": text}
    return {
        **given,
        "host": admin.address.host,
        "port": str(admin.address.port),
        "user": admin.user,
        "password": admin.password,
        "database": admin.maintenance_database,
        "sslmode": sslmode.value if sslmode else "",
    }


def _of_instance(instance: Instance) -> Mapping[str, str]:
    public, pooler = instance.public_address, instance.pooler_address
    return {
        "public_host": public.host,
        "public_port": str(public.port),
        "public_sslmode": public.sslmode.value,
        "ca_certificate": public.ca_certificate or "",
        "pooler_host": pooler.host if pooler else "",
        "pooler_port": str(pooler.port) if pooler else "",
        "pooler_knows_job_logins": "yes" if instance.pooler_knows_job_logins else "",
    }


def _sslmode(name: str) -> SslMode | None:
    given = fields.text(name)
    try:
        return SslMode(given) if given else None
    except ValueError:
        raise Invalid(f"There is no sslmode {given!r}.") from None


def _certificate() -> str | None:
    text = fields.text("ca_certificate").replace("\r\n", "\n")
    if not text:
        return None
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise Invalid(
            "That is not a CA certificate.",
            advice="Paste the PEM text: it begins with -----BEGIN CERTIFICATE-----.",
        )
    return f"{text}\n"


def _pooler() -> Pooler | None:
    host, port = fields.text("pooler_host"), fields.port("pooler_port", "The pooler's port")
    if not host and port is None:
        return None
    if not host or port is None:
        raise Invalid(
            "The pooler's host and port go together.", advice="Fill in both, or leave both empty."
        )
    knows = fields.is_checked("pooler_knows_job_logins")
    return Pooler(host=host, port=port, knows_job_logins=knows)
