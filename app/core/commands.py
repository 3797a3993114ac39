"""Commands in comments of pull requests: what is one, and who may have it done."""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.core.environments import Environment
from app.core.people import ROLES, Act, Actor, Change, Connect, Lose, See, Wanted, refusal
from app.core.reasons import DORMANT, Unreached


class Verb(StrEnum):
    """What a comment asks for."""

    STATUS = "status"
    URL = "url"
    FIX = "fix"
    RESET = "reset"
    MIGRATE = "migrate"
    HELP = "help"
    UNKNOWN = "unknown"
    """Begins as a command does, and is none."""


_COMMAND = re.compile(r"/db (status|url|fix|reset|migrate|help)")
# Keyboards of phones begin a line with a capital: that is answered, and never obeyed.
_ATTEMPT = re.compile(r"/db(?![\w/.-])", re.IGNORECASE)


class Verdict(StrEnum):
    """What becomes of a command."""

    RUN = "run"
    SILENT = "silent"
    """No word and no reaction: strangers must not make us talk."""
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that a ruling rests on, read when the command is carried out.

    The defaults are those of a button on a check run: it stands on a commit, not below a pull
    request, and its database is a definite one.
    """

    permission: str
    """GitHub's, for whoever asks, on the repository: one of `people.ROLES`."""
    is_private: bool
    environments: tuple[Environment, ...] = (Environment.BRANCH,)
    """Whose databases it acts on."""
    unreached: Unreached | None = None
    """Why the head has no database of its own; None: it gets one."""
    is_open: bool = True
    is_protected: bool = False
    """The head branch, at GitHub; asked for a reset only."""
    has_database: bool = True
    is_same_database: bool = True
    """The head's databases are those that stood there when the comment was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What becomes of a command, and why it is refused, for whoever asked."""

    verdict: Verdict
    why: str = ""
    act: Act = See
    """What may be done, where it is carried out, with what the situation is about."""


SILENT = Ruling(verdict=Verdict.SILENT)


def parse_command(body: str) -> Verb | None:
    """The command in a comment's first line; None for a comment that is no attempt at one.

    A command is the whole first line, from its first column: a quote, a code block or an HTML
    comment before it makes it text. Anything beside it, an argument too, makes it UNKNOWN.
    """
    first_line = body.split("\n", 1)[0].removesuffix("\r").rstrip(" ")
    if (found := _COMMAND.fullmatch(first_line)) is not None:
        return Verb(found[1])
    return Verb.UNKNOWN if _ATTEMPT.match(first_line) else None


def decide_command(verb: Verb, situation: Situation) -> Ruling:
    """Whether a command, or a button that means the same, is carried out.

    Who may not act on the databases hears nothing, so that nobody learns anything, or makes the
    service talk, by asking. Who may, and asks for what cannot be, is told why.
    """
    if not _may_ask(verb, situation):
        return SILENT
    why = _why_not(verb, situation)
    if why is None:
        return Ruling(verdict=Verdict.RUN, act=_act(verb))
    # Readers may look at the state; explanations are for those who could act on them.
    return _refused(why) if _may(Verb.FIX, situation) is None else SILENT


def _may_ask(verb: Verb, situation: Situation) -> bool:
    if verb is Verb.STATUS:
        # Everybody may read a public repository: there it takes somebody whom its people know.
        needed = "read" if situation.is_private else "triage"
        return _rank(situation.permission) >= _rank(needed)
    return _may(verb, situation) is None


def _may(verb: Verb, situation: Situation) -> str | None:
    """Why the permission does not suffice, whatever is at the head; None: it does."""
    anybody = Actor(name="")
    for environment in situation.environments:
        wanted = Wanted(act=_act(verb), environment=environment)
        why = refusal(anybody, wanted, permission=situation.permission)
        if why is not None:
            return why
    return None


def _act(verb: Verb) -> Act:
    acts: dict[Verb, Act] = {Verb.STATUS: See, Verb.URL: Connect, Verb.RESET: Lose}
    return acts.get(verb, Change)


def _why_not(verb: Verb, situation: Situation) -> str | None:
    match verb:
        case Verb.HELP:
            return None
        case Verb.UNKNOWN:
            return (
                "This is no command of mine. A command is in lower case, stands alone, and takes no"
                " argument."
            )
        case _:
            return _why_not_here(verb, situation)


def _why_not_here(verb: Verb, situation: Situation) -> str | None:
    if situation.unreached is not None:
        return situation.unreached.markdown
    if verb is Verb.STATUS:
        return None
    if not situation.is_open:
        return "This pull request is closed. Reopen it, or use the dashboard or the command line."
    if verb in {Verb.URL, Verb.RESET} and not situation.has_database:
        return DORMANT.markdown
    return _why_no_reset(situation) if verb is Verb.RESET else None


def _why_no_reset(situation: Situation) -> str | None:
    wanted = Wanted(
        act=Lose,
        environment=Environment.BRANCH,
        is_protected=situation.is_protected,
    )
    if refusal(Actor(name=""), wanted, permission=situation.permission) is not None:
        return "The branch is protected: to reset its database takes the permission maintain."
    if not situation.is_same_database:
        return (
            "The branch has got another database since this comment was written. Look at it, and"
            " ask again if that is the one to reset."
        )
    return None


def _refused(why: str) -> Ruling:
    return Ruling(verdict=Verdict.REFUSE, why=why)


def _rank(permission: str) -> int:
    return ROLES.index(permission) if permission in ROLES else 0
