"""Pull requests: the conversation, and their end."""

from flask import Blueprint, request

from demo.github.context import Context
from demo.github.model import PullRequest, Repository
from demo.github.objects.comments import LONGEST_BODY
from demo.github.pages import checks, people, places
from demo.github.pages.frame import missing, refusal, show
from demo.github.pages.guard import PREFIX, back_to, repository_page
from demo.github.rest.guard import Answer

blueprint = Blueprint("pull_request_pages", __name__, url_prefix=PREFIX)

_FACES = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "confused": "😕",
    "heart": "❤️",
    "hooray": "🎉",
    "eyes": "👀",
    "rocket": "🚀",
}


@blueprint.get("/<owner>/<repo>/pull/<int:number>")
@repository_page
def pull_request(found: Context, repository: Repository, number: int) -> Answer:
    record = _pull_request(found, repository, number)
    if record is None:
        return missing()
    return show(
        "pull_request.html",
        f"{record.title} #{number}",
        repository=repository,
        pull=record,
        checks=checks.latest(found, repository, record.head_sha),
        comments=people.Everything(found).comments(record),
        faces=_FACES,
        people=people.of(found, repository),
    )


@blueprint.post("/<owner>/<repo>/pull/<int:number>/comments")
@repository_page
def comment(found: Context, repository: Repository, number: int) -> Answer:
    record = _pull_request(found, repository, number)
    if record is None:
        return missing()
    body = request.form.get("body", "")
    if not body.strip() or len(body) > LONGEST_BODY:
        return refusal(f"A comment has 1 to {LONGEST_BODY} characters.", status=422)
    user = people.chosen(found, repository)
    made = people.Everything(found).comment(record, body, user=user)
    return back_to(places.of(repository, "pull", number) + f"#issuecomment-{made.id}")


@blueprint.post("/<owner>/<repo>/pull/<int:number>/state")
@repository_page
def change_state(found: Context, repository: Repository, number: int) -> Answer:
    """Close or reopen it: its author may, and whoever has triage."""
    record = _pull_request(found, repository, number)
    if record is None:
        return missing()
    is_author = request.form.get("as", "") == record.author.login
    people.chosen(found, repository, at_least="read" if is_author else "triage")
    hand = people.Everything(found)
    if record.is_open:
        hand.close(record)
    elif repository.git.head(record.head_branch) is None:
        return refusal("Its branch is gone: push it again first.", status=422)
    else:
        hand.reopen(record)
    return back_to(places.of(repository, "pull", number))


def _pull_request(found: Context, repository: Repository, number: int) -> PullRequest | None:
    return found.state.pull_requests.get((repository.id, number))
