"""What a page says after something was done: named in the address, so that no text comes in.

What is still on its way is told as that only while it is: then how it ended.
"""

import time
from dataclasses import dataclass
from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from app.core.databases import Database, DatabaseState, began_as

NOTICES = {
    "provisioned": "The server runs. Assign an app to give its branches databases.",
    "linked": "The server is linked. Assign an app to give its branches databases.",
    "instance-edited": "The instance was changed.",
    "instance-deleted": "The instance is gone.",
    "instance-going": "The instance is being deleted by the machine that it stands on.",
    "limited": "The limits hold from now on.",
    "limited-exceeded": "The limits hold from now on. Health, below, says which are exceeded.",
    "claimed": "This server is yours now. The passwords of its databases are being replaced.",
    "measured": "The server was asked just now.",
    "acknowledged": "Accepted: it stays to be seen, and comes back when it says something else.",
    "withdrawn": "It is accepted no longer.",
    "assigned": "The app is assigned. Its databases are being made; this page follows.",
    "edited": "The assignment was changed.",
    "removed": "The app is not assigned any more. Its databases stay where they are.",
    "fix": "It is set up once more; this page follows.",
    "create": "It is being made; this page follows.",
    "create-ready": "It is there already.",
    "create-restore": "It was deleted: it is restored with its data; this page follows.",
    "press-fix": "Press Fix in the row of the database.",
    "press-url": "How to connect is shown when you press URL of the database.",
    "reset": "It is made anew; this page follows. Then a run migrates it.",
    "reset-dev": "It is made anew; this page follows. Local work, below,"
    " has the command that migrates it.",
    "seed": "The next run of the workflow seeds it.",
    "seed-dev": "The next migration by hand seeds it.",
    "restore": "It is opened again with its data; this page follows.",
    "delete": "Nobody can connect to it any more. Restore brings it back.",
    "drop": "It is being dropped with all its data.",
    "revoked": "The token is revoked: it works no more.",
    "installed": "GitHub sent you back here. Assign a repository that the App is installed on, and"
    " its branches get databases.",
    "forgotten": "The GitHub App is forgotten. Another one can be made here.",
    "rerun": "GitHub starts the job again; this page follows.",
}
_OVER = {
    "fix": "{name} is ready.",
    "create": "{name} is ready.",
    "create-restore": "{name} is ready again, with its data.",
    "reset": "{name} is ready, and {began_as}: push, or run its workflow again, which migrates it.",
    "reset-dev": "{name} is ready, and {began_as}. Local work, below, has the command that"
    " migrates it.",
    "restore": "{name} is ready again, with its data.",
    "drop": "{name} is gone with all its data.",
}
"""What is said of a database when that which was begun has ended well."""
_ENDS = {"drop": DatabaseState.GONE}
_FOLLOWED_SECONDS = 15 * 60
_CLAIMS_HEALTH = frozenset({"provisioned", "linked", "measured"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is said on top of a page."""

    text: str
    is_bad: bool = False


def found() -> dict[str, Any]:
    """The notice that the address of the page names."""
    return {"notice": _named()}


def of_database(database: Database | None, *, is_awaited: bool) -> Notice | None:
    """The notice about what was begun with a database: on its way, or how it ended.

    Args:
        is_awaited: A worker has something to do; of a deleted database only that tells.
    """
    what, named = request.args.get("done", ""), _named()
    if what not in _OVER or database is None:
        return named
    if database.state is DatabaseState.ERROR:
        return Notice(text=f"{database.name} is in error; its row says why.", is_bad=True)
    if database.state is _ENDS.get(what, DatabaseState.READY):
        parent = "the template" if database.cloned_from else None
        return Notice(text=_OVER[what].format(name=database.name, began_as=began_as(parent)))
    is_on_its_way = database.state is DatabaseState.CREATING or is_awaited
    return named if is_on_its_way else None


def of_assignment(*, is_busy: bool, has_failed: bool) -> Notice | None:
    """The notice of a page that follows an app's first databases."""
    if is_busy or request.args.get("done") != "assigned":
        return _named()
    return None if has_failed else Notice(text="The app is assigned, and its databases are ready.")


def of_rerun(*, is_awaited: bool) -> Notice | None:
    """The notice while the run that was asked for has not come; then the page links that."""
    return _named() if is_awaited or request.args.get("done") != "rerun" else None


def of_server(*, is_failing: bool) -> Notice | None:
    """No praise of a server stands above its error."""
    return None if is_failing and request.args.get("done") in _CLAIMS_HEALTH else _named()


def subject() -> int | None:
    """The number of the database that the notice is about."""
    given = request.args.get("of", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None


def is_recent() -> bool:
    """Whether it was done so lately that the page still waits for what comes of it."""
    given = request.args.get("at", "")
    is_time = given.isascii() and given.isdecimal() and len(given) < 12
    return is_time and 0 <= time.time() - int(given) < _FOLLOWED_SECONDS


def done(path: str, what: str, *, of: int | None = None) -> ResponseReturnValue:
    """Go on to a page that says what was done, with which database; reloading repeats nothing."""
    path, mark, fragment = path.partition("#")
    about = "" if of is None else f"&of={of}"
    at = f"&at={int(time.time())}"
    return redirect(f"{path}?done={what}{about}{at}{mark}{fragment}", code=303)


def _named() -> Notice | None:
    text = NOTICES.get(request.args.get("done", ""))
    return None if text is None else Notice(text=text)
