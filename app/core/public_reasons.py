"""Why a database failed, as far as everybody may read it: in comments of public repositories.

The stored reason is for people who may see the server; it can repeat what PostgreSQL said. Here the
error's stable code decides, and what is not listed is not told.
"""

_LONGEST = 300

# Their texts are made of numbers and words of ours alone (`core/limits`), so they can be quoted.
_QUOTABLE = frozenset({"limit_reached"})

# For all others a sentence of our own stands for the stored one.
_SENTENCES = {
    "marker_changed": "The database on the server carries another mark than Coppice gave it.",
    "naming_conflict": "The server has a database of this name that Coppice did not make.",
    "out_of_connections": "The server is out of connections.",
    "privilege_missing": "The service's role lacks a privilege on the server.",
    "server_unreachable": "The server does not accept connections.",
    "server_busy": "The server was busy with something else for too long.",
    "disk_full": "The server's disk is full.",
    "out_of_memory": "The server is out of memory.",
    "read_only": "The server is read-only.",
    "login_refused": "The server refuses the service's login.",
    "database_missing": "The database is no longer on the server.",
    "marker_missing": "The database lacks the mark that Coppice gave it.",
    "extension_missing": "The server does not have an extension that the app asks for.",
    "extension_refused": "Only a superuser of the server may make an extension that the app asks"
    " for.",
}


def quotable(code: str | None, reason: str | None) -> str | None:
    """The stored reason, cut, if nobody but us had a word in it; still to be escaped."""
    if code not in _QUOTABLE or not reason:
        return None
    return reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}..."


def sentence(code: str | None) -> str | None:
    """What stands for a reason that is not quoted; None: nothing can be said."""
    return _SENTENCES.get(code or "")
