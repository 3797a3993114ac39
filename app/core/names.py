"""Names of databases and roles: what PostgreSQL is told of an app and its branches."""

import base64
import hashlib
import re
import unicodedata

from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, DatabaseId, DatabaseName, RoleName

# PostgreSQL cuts longer identifiers with only a NOTICE (NAMEDATALEN - 1): two long branches could
# end up in one database.
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
MAX_IDENTIFIER_BYTES = 63

_HASH_LENGTH = 12
_APP_ID = re.compile(r"[a-z0-9]{2,16}")
_TOKEN = re.compile(r"[0-9a-f]+")
_PLAIN_BRANCH = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
# A branch of such a name gets a hash: `shop--production` beside `shop-production` misleads people.
_TEMPLATE = re.compile(r"template-[0-9]+")
_RESERVED = frozenset(
    {
        "production",
        "preview",
        "dev",
        "prod",
        "postgres",
        "template0",
        "template1",
        "default",
        "none",
        "null",
    }
)


def is_valid_app_id(text: str) -> bool:
    """Whether a person may choose this as an app id."""
    return _APP_ID.fullmatch(text) is not None


def database_name(
    app: AppId, environment: Environment, branch: BranchName | None = None
) -> DatabaseName:
    """The database of one environment of an app; `branch` belongs to `branch` and to no other.

    Different branches get different names: a verbatim name has no second `--`, a hashed one always
    has.

    Raises:
        ValueError: The app id is not valid, or the branch is missing, empty, superfluous or not
            encodable. Callers check these first: see `branches.is_possible_branch`.
    """
    if environment is Environment.BRANCH:
        if not branch:
            raise ValueError("a branch database needs the name of its branch")
        return DatabaseName(_identifier(app, f"-{_branch_part(app, branch)}"))
    if branch is not None:
        raise ValueError(f"{environment} belongs to no branch")
    return DatabaseName(_identifier(app, environment.value))


def template_name(app: AppId, number: int) -> DatabaseName:
    """The template of an app that is its first, second and so on."""
    return DatabaseName(_identifier(app, f"template-{number}"))


def retired_name(app: AppId, database_id: DatabaseId) -> DatabaseName:
    """Where a database waits out its retention time once a fresh one has taken its name."""
    return DatabaseName(_identifier(app, f"retired-{database_id}"))


def owner_role(app: AppId, token: str) -> RoleName:
    """The NOLOGIN role that owns a database; `token` is lowercase hex, made by the caller.

    Roles are readable by every tenant of a server, so they carry no branch.
    """
    return _role(app, "o", token)


def login_role(app: AppId, token: str) -> RoleName:
    """The long-lived login of a database."""
    return _role(app, "u", token)


def data_role(app: AppId, token: str) -> RoleName:
    """The NOLOGIN role that owns what is inside the databases of an app on an instance."""
    return _role(app, "d", token)


def job_role(app: AppId, token: str) -> RoleName:
    """The login of one job."""
    return _role(app, "j", token)


def _role(app: AppId, kind: str, token: str) -> RoleName:
    if not _TOKEN.fullmatch(token):
        raise ValueError("a role's token is lowercase hex")
    return RoleName(_identifier(app, f"{kind}-{token}"))


def _branch_part(app: AppId, branch: BranchName) -> str:
    is_plain = (
        _PLAIN_BRANCH.fullmatch(branch)
        and "--" not in branch
        and branch not in _RESERVED
        and not _TEMPLATE.fullmatch(branch)
        and len(app) + len("--") + len(branch) <= MAX_IDENTIFIER_BYTES
    )
    if is_plain:
        return branch
    digest = hashlib.sha256(branch.encode("utf-8")).digest()
    code = base64.b32encode(digest).decode("ascii").lower()[:_HASH_LENGTH]
    return f"{_slug(branch, MAX_IDENTIFIER_BYTES - len('----') - _HASH_LENGTH - len(app))}--{code}"


def _slug(branch: BranchName, max_length: int) -> str:
    """What a person recognises the branch by; any number of branches may share it."""
    ascii_only = unicodedata.normalize("NFKD", branch).encode("ascii", "ignore").decode("ascii")
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")
    return slug[:max_length].strip("-") or "x"


def _identifier(app: AppId, rest: str) -> str:
    if not is_valid_app_id(app):
        raise ValueError("an app id is 2 to 16 of a-z and 0-9")
    name = f"{app}-{rest}"
    if len(name.encode("utf-8")) > MAX_IDENTIFIER_BYTES:
        raise ValueError(f"{name} is longer than {MAX_IDENTIFIER_BYTES} bytes")
    return name
