"""The examples that people are shown, word for word, from nothing to a connection."""

import json
import shlex

from demo.github.server import LocalGitHub
from tests.integration.serve.installation import Installation

LOCAL = "instances provision local"
LAN = "instances provision lan --listen 0.0.0.0 --public-host db.example.com --insecure-network"
ASSIGN = 'apps assign acme/shop local --migration-command "npx prisma migrate deploy" --wait'
ENV = "env acme/shop --branch feature/login"


def test_the_documented_commands_lead_to_a_connection(installation: Installation) -> None:
    with LocalGitHub() as github:
        shop = github.create_repository("acme/shop")
        github.install(shop.owner)
        github.push(shop, "feature/login")
        github.open_pull_request(shop, head="feature/login")
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
        text = installation.ok(*shlex.split(ENV))

    rows = json.loads(installation.ok("databases", "list", "acme/shop", "--json"))
    assert [(row["environment"], row["state"]) for row in rows] == [
        ("production", "ready"),
        ("preview", "ready"),
        ("branch", "ready"),
    ]
    assert f"PGDATABASE={rows[2]['name']}\n" in text
