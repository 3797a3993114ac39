"""What a page says after something was done: named in the address, so that no text comes in."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

NOTICES = {
    "provisioned": "The server runs. Assign an app to give its branches databases.",
    "linked": "The server is linked. Assign an app to give its branches databases.",
    "instance-edited": "The instance was changed.",
    "instance-deleted": "The instance is gone.",
    "instance-going": "The instance is being deleted by the machine that it stands on.",
    "limited": "The limits hold from now on.",
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
    "press-url": "How to connect is shown when you press URL of the database.",
    "reset": "It is replaced by an empty one; this page follows. Then push, or re-run its workflow:"
    " that migrates it.",
    "reset-dev": "It is replaced by an empty one; this page follows. Then run coppice migrate.",
    "seed": "The next run of the workflow seeds it.",
    "seed-dev": "The next coppice migrate seeds it.",
    "restore": "It is opened again with its data; this page follows.",
    "delete": "Nobody can connect to it any more. Restore brings it back.",
    "drop": "It is being dropped with all its data.",
    "revoked": "The token is revoked: it works no more.",
    "installed": "GitHub sent you back here. Assign a repository that the App is installed on, and"
    " its branches get databases.",
    "forgotten": "The GitHub App is forgotten. Another one can be made here.",
    "rerun": "GitHub starts the job again.",
}


def found() -> dict[str, Any]:
    """The notice that the address of the page names."""
    return {"notice": NOTICES.get(request.args.get("done", ""))}


def done(path: str, what: str) -> ResponseReturnValue:
    """Go on to a page that says what was done; reloading it repeats nothing."""
    path, mark, fragment = path.partition("#")
    return redirect(f"{path}?done={what}{mark}{fragment}", code=303)
