"""A new file of a branch: the form at GitHub's own address, filled in by the address."""

import re

from flask import Blueprint, request

from demo.github.context import Context
from demo.github.model import Repository
from demo.github.pages import people, places
from demo.github.pages.frame import missing, page, refusal
from demo.github.pages.guard import PREFIX, back_to, repository_page
from demo.github.rest.guard import Answer

blueprint = Blueprint("file_pages", __name__, url_prefix=PREFIX)

_PATH = re.compile(r"(?!.*\.\.)[\w.-]+(/[\w.-]+)*", re.ASCII)
_LONGEST_ADDRESS = 8192
"""GitHub answers 414 to longer ones."""
_FORM = """
{% import "parts.html" as parts %}
<p>On the branch <code>{{ branch }}</code>.</p>
<form method="post" action="{{ place(repository, "create", branch) }}">
  <label class="wide">File <input name="filename" value="{{ filename }}" required></label>
  <label class="wide">Content
    <textarea name="value" rows="30" spellcheck="false">{{ value }}</textarea></label>
  <button>Commit changes</button> {{ parts.whom(writers) }}
</form>
"""


@blueprint.get("/<owner>/<repo>/new/<path:branch>")
@repository_page
def new(found: Context, repository: Repository, branch: str) -> Answer:
    """GitHub fills in `filename` and `value` from the address."""
    if len(request.url) > _LONGEST_ADDRESS:
        return refusal("The address is too long.", status=414)
    if repository.git.head(branch) is None and repository.git.branches():
        return missing()
    return page(
        "New file",
        _FORM,
        repository=repository,
        branch=branch,
        filename=request.args.get("filename", ""),
        value=request.args.get("value", ""),
        writers=people.of(found, repository, at_least="write"),
    )


@blueprint.post("/<owner>/<repo>/create/<path:branch>")
@repository_page
def create(found: Context, repository: Repository, branch: str) -> Answer:
    sender = people.chosen(found, repository, at_least="write")
    head = repository.git.head(branch)
    path = request.form.get("filename", "")
    if head is None and repository.git.branches():
        return missing()
    if not _PATH.fullmatch(path):
        return refusal(f"This is no path of a file: {path!r}.", status=422)
    if head is not None and path in repository.git.files(head, path.rpartition("/")[0] or "."):
        return refusal(f"A file with the name {path} already exists.", status=422)
    text = request.form.get("value", "").replace("\r\n", "\n")
    people.Everything(found).push(
        repository, branch, files={path: text}, message=f"Create {path}", sender=sender
    )
    return back_to(places.of(repository, "tree", branch))
