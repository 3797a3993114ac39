"""Making an App from a manifest, and installing it."""

import secrets
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Blueprint, redirect, request

from demo.github.context import Context
from demo.github.control.installations import InstallationControl
from demo.github.model import Account, Json
from demo.github.objects import accounts, registrations
from demo.github.objects.registrations import BadManifest, Conversion
from demo.github.pages.frame import missing, page
from demo.github.pages.guard import PREFIX
from demo.github.rest.answers import not_found
from demo.github.rest.guard import Answer, context, optional_credentials
from demo.github.state import utc_now

blueprint = Blueprint("app_pages", __name__)

_CONFIRM = """
<p>The App may: {{ manifest.default_permissions }}. It hears of: {{ manifest.default_events }}.</p>
<form method="post" action="/_pages/apps">
  <input type="hidden" name="manifest" value="{{ text }}">
  <input type="hidden" name="state" value="{{ state }}">
  <label>Name <input name="name" value="{{ manifest.name }}"></label>
  {% for owner in owners %}
  <button name="owner" value="{{ owner }}">Create GitHub App for {{ owner }}</button>
  {% endfor %}
</form>
"""
_INSTALL = """
<form method="post" action="/apps/{{ slug }}/installations/new">
  {% for account in accounts %}
  <button name="account" value="{{ account }}">Install on {{ account }}</button>
  {% endfor %}
</form>
"""
_APP = """
<p>A GitHub App. It may: {% for name, level in app.permissions | dictsort -%}
{{ name }}: {{ level }}{{ ", " if not loop.last }}{% endfor %}.</p>
<p>Installed on: {{ accounts | join(", ") or "nothing yet" }}.</p>
<p><a class="button" href="/apps/{{ app.slug }}/installations/new">Install</a></p>
"""
_CONVERSION_TIME = timedelta(hours=1)


@blueprint.post("/settings/apps/new")
def confirm_for_user() -> Answer:
    found = context()
    owners = [each for each in found.state.accounts.values() if each.type == "User"]
    return _confirm(owners)


@blueprint.post("/organizations/<organization>/settings/apps/new")
def confirm_for_organization(organization: str) -> Answer:
    owner = context().state.account(organization)
    if owner is None or owner.type != "Organization":
        return missing()
    return _confirm([owner])


def _confirm(owners: list[Account]) -> Answer:
    text = request.form.get("manifest", "")
    try:
        manifest = registrations.read(text)
    except BadManifest as problem:
        return page("Invalid GitHub App configuration", "<p>{{ why }}</p>", why=str(problem))
    return page(
        "Create GitHub App",
        _CONFIRM,
        manifest=manifest,
        text=text,
        state=request.args.get("state", ""),
        owners=[owner.login for owner in owners],
    )


@blueprint.post("/_pages/apps")
def create() -> Answer:
    """Make the App, which takes the place of the one before, and send the browser back."""
    found = context()
    manifest = registrations.read(request.form["manifest"])
    with found.state.lock:
        owner = found.state.account(request.form["owner"])
        assert owner is not None
        code = secrets.token_hex(20)
        answer = _made(found, {**manifest, "name": request.form["name"]}, owner)
        found.state.conversions[code] = Conversion(made_at=utc_now(), answer=answer)
    query = {"code": code}
    if request.form["state"]:
        query["state"] = request.form["state"]
    return redirect(f"{manifest['redirect_url']}?{urlencode(query)}")


def _made(found: Context, manifest: Json, owner: Account) -> Json:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    client_id, client_secret = registrations.new_client()
    found.app_key = key
    found.state.installations.clear()  # Those were of the App before.
    found.hook.secret = secrets.token_hex(20)
    found.hook.url = manifest["hook_attributes"]["url"]
    found.identity = replace(
        found.identity,
        id=found.state.new_id(),
        slug=registrations.slug_of(manifest["name"]),
        name=manifest["name"],
        owner=owner,
        is_public=bool(manifest.get("public")),
        client_id=client_id,
        client_secret=client_secret,
        callback_urls=tuple(manifest.get("callback_urls", ())),
        setup_url=manifest.get("setup_url", ""),
        permissions={**manifest["default_permissions"], "metadata": "read"},
        events=tuple(manifest["default_events"]),
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return {
        **accounts.app(found.identity),
        "client_secret": client_secret,
        "webhook_secret": found.hook.secret,
        "pem": pem.decode(),
    }


@blueprint.post("/app-manifests/<code>/conversions")
def convert(code: str) -> Answer:
    """https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest"""
    found = context()
    optional_credentials(found)
    with found.state.lock:
        made = found.state.conversions.pop(code, None)
        if made is None or made.made_at + _CONVERSION_TIME < utc_now():
            raise not_found()
        return made.answer, 201


@blueprint.get(f"{PREFIX}/apps/<slug>")
@blueprint.get("/settings/apps")
@blueprint.get("/settings/installations/<int:installation_id>")
def show_app(slug: str | None = None, installation_id: int | None = None) -> Answer:
    """The one App, wherever people look for it."""
    found = context()
    if slug not in (None, found.identity.slug):
        return missing()
    with found.state.lock:
        accounts = [each.account.login for each in found.state.installations.values()]
    return page(found.identity.name, _APP, app=found.identity, accounts=accounts)


@blueprint.get("/apps/<slug>/installations/new")
def choose_account(slug: str) -> Answer:
    found = context()
    if slug != found.identity.slug:
        return missing()
    every = [*found.state.accounts.values()]
    owner = found.identity.owner
    shown = [each for each in every if found.identity.is_public or each.id == owner.id]
    logins = [account.login for account in shown]
    return page(f"Install {found.identity.name}", _INSTALL, slug=slug, accounts=logins)


@blueprint.post("/apps/<slug>/installations/new")
def install(slug: str) -> Answer:
    """Install the App for all repositories of an account, and send the browser on."""
    found = context()
    account = found.state.account(request.form["account"])
    if slug != found.identity.slug or account is None:
        return missing()
    control = InstallationControl()
    control.context = found
    record = control.install(account)
    if not found.identity.setup_url:
        return redirect(f"{found.url}/settings/installations/{record.id}")
    query = urlencode({"installation_id": record.id, "setup_action": "install"})
    return redirect(f"{found.identity.setup_url}?{query}")
