"""Check runs, and the buttons below them."""

from flask import Blueprint, request

from demo.github.context import Context
from demo.github.model import CheckRun, Repository
from demo.github.pages import people, places
from demo.github.pages.frame import missing, refusal, show
from demo.github.pages.guard import PREFIX, back_to, repository_page
from demo.github.rest.guard import Answer

blueprint = Blueprint("check_pages", __name__, url_prefix=PREFIX)


@blueprint.get("/<owner>/<repo>/runs/<int:check_run_id>")
@repository_page
def check_run(found: Context, repository: Repository, check_run_id: int) -> Answer:
    record = _check_run(found, repository, check_run_id)
    if record is None:
        return missing()
    return show(
        "check_run.html",
        record.name,
        repository=repository,
        check=record,
        writers=people.of(found, repository, at_least="write"),
    )


@blueprint.post("/<owner>/<repo>/runs/<int:check_run_id>")
@repository_page
def press(found: Context, repository: Repository, check_run_id: int) -> Answer:
    """One of the App's own buttons, which `action` names, or else GitHub's Re-run."""
    record = _check_run(found, repository, check_run_id)
    if record is None:
        return missing()
    user = people.chosen(found, repository, at_least="write")
    hand = people.Everything(found)
    if "action" not in request.form:
        hand.rerequest(record, user=user)
    else:
        try:
            hand.press_button(record, request.form["action"], user=user)
        except ValueError:  # it was there when the page was made
            return refusal("This button is not there any more.", status=409)
    return back_to(places.of(repository, "commit", record.head_sha) + f"#check-{record.id}")


def latest(found: Context, repository: Repository, sha: str) -> list[CheckRun]:
    """The newest check run of each name on a commit, in the order in which they were made."""
    of_commit = people.Everything(found).check_runs(repository, sha)
    return list({record.name: record for record in of_commit}.values())


def _check_run(found: Context, repository: Repository, check_run_id: int) -> CheckRun | None:
    record = found.state.check_runs.get(check_run_id)
    return record if record is not None and record.repository is repository else None
