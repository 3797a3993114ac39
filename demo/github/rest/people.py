"""What a person's own token shows."""

from flask import Blueprint, jsonify

from demo.github.context import Context
from demo.github.model import Account, Json
from demo.github.objects import accounts
from demo.github.rest.answers import Refused, not_found
from demo.github.rest.guard import Answer, context, user_endpoint

blueprint = Blueprint("people", __name__)

_COUNTS = ("public_repos", "public_gists", "followers", "following")


@blueprint.get("/user")
@user_endpoint
def show(found: Context, user: Account) -> Answer:
    """https://docs.github.com/en/rest/users/users#get-the-authenticated-user"""
    return jsonify(_public(user, context().url))


@blueprint.get("/orgs/<organization>/teams/<slug>/memberships/<login>")
@user_endpoint
def team_membership(
    found: Context, user: Account, organization: str, slug: str, login: str
) -> Answer:
    """Only where the App is installed and may read members.

    https://docs.github.com/en/rest/teams/members#get-team-membership-for-a-user
    """
    owner = found.state.account(organization)
    installed = [each for each in found.state.installations.values() if each.account is owner]
    if not any("members" in each.permissions for each in installed):
        raise Refused(403, "Resource not accessible by integration")
    member = found.state.account(login)
    team = found.state.teams.get((organization.casefold(), slug.casefold()), {})
    if member is None or member.id not in team:
        raise not_found()
    return jsonify(
        {
            "state": team[member.id],
            "role": "member",
            "url": f"{found.url}/orgs/{organization}/teams/{slug}/memberships/{member.login}",
        }
    )


def _public(user: Account, url: str) -> Json:
    return {
        **accounts.account(user, url),
        **dict.fromkeys(("company", "blog", "location", "email", "hireable", "bio")),
        **dict.fromkeys(_COUNTS, 0),
        "name": user.login.capitalize(),
        "blog": "",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
