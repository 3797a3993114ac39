"""Fields of forms as people filled them in."""

from flask import request

from app.core.errors import CoppiceError, Invalid


class WrongName(Invalid):
    """What must be typed to go on was not typed."""

    code = "name_differs"
    advice = "Type it as it stands there, or leave the page: nothing was done."

    def __init__(self, name: str) -> None:
        super().__init__(f"That is not the name {name}.")


def text(name: str) -> str:
    """A line without the spaces around it; PostgreSQL stores no NUL."""
    return request.form.get(name, "").replace("\0", "").strip()


def cursor(name: str) -> int | None:
    """Before which id a list goes on, of the page's address; None: from the newest."""
    given = request.args.get(name, type=int)
    return given if given is not None and 0 < given < 2**63 else None


def lines(name: str) -> tuple[str, ...]:
    """One item on each line; empty lines count for nothing."""
    return tuple(line.strip() for line in text(name).splitlines() if line.strip())


def is_checked(name: str) -> bool:
    return name in request.form


def port(name: str, label: str) -> int | None:
    """A port number, or None for an empty field."""
    given = text(name)
    if not given:
        return None
    if not given.isascii() or not given.isdecimal() or not 0 < int(given) < 65536:
        raise Invalid(f"{label} is not a port.", advice="Use a number from 1 to 65535.")
    return int(given)


def confirm(name: str) -> None:
    """Raise WrongName unless the person typed the name of what is about to go."""
    if text("confirmation") != name:
        raise WrongName(name)


def status_of(error: CoppiceError | None) -> int:
    """The status of a page with a form on it, which may say what was wrong with the last try."""
    return error.http_status if error else 200
