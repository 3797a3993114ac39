"""The examples that people are shown, word for word, from nothing to a connection."""

import json
import shlex

from demo.github.server import LocalGitHub
from tests.integration.serve.installation import Installation, await_that

LOCAL = "instances provision local"
LAN = "instances provision lan --listen 0.0.0.0 --public-host db.example.com --insecure-network"
ASSIGN = 'apps assign acme/shop local --migration-command "npx prisma migrate deploy" --wait'
ENV = "env acme/shop --branch feature/login"


def test_the_documented_commands_lead_to_a_connection(installation: Installation) -> None:
    with LocalGitHub() as github:
        shop = github.create_repository("acme/shop")
        github.install(shop.owner)
        github.push(shop, "feature/login")
        github.open_pull_request(shop, "feature/login")
        key = installation.folder / "key.pem"
        key.write_text(github.private_key)
        installation.settings = {
            "COPPICE_GITHUB_APP_ID": str(github.app_id),
            "COPPICE_GITHUB_PRIVATE_KEY_FILE": str(key),
            "COPPICE_GITHUB_WEBHOOK_SECRETS": github.webhook_secret,
            "COPPICE_GITHUB_API_URL": github.api_url,
            "COPPICE_OIDC_ISSUER": github.oidc_issuer,
        }
        installation.serve()

        for example in (LOCAL, LAN, ASSIGN):
            installation.ok(*shlex.split(example))
        await_that(lambda: len(states(installation)) == 3, what=installation.log)
        await_that(lambda: set(states(installation).values()) == {"ready"}, what=installation.log)
        text = installation.ok(*shlex.split(ENV))

    names = states(installation)
    assert {name.partition("-")[2] for name in names} >= {"production", "preview"}
    (branch,) = [name for name in names if "--feature-login--" in name]
    assert f"PGDATABASE={branch}\n" in text


def states(installation: Installation) -> dict[str, str]:
    rows = json.loads(installation.ok("databases", "list", "acme/shop", "--json"))
    return {row["name"]: row["state"] for row in rows}
