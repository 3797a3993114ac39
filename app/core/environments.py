"""The environments of an app."""

from enum import StrEnum


class Environment(StrEnum):
    """What a database is for."""

    PRODUCTION = "production"
    BRANCH = "branch"
    PREVIEW = "preview"
    DEV = "dev"
    SHADOW = "dev-shadow"
    """Scratch room beside `dev`, for tools that replay migrations on an empty database."""
    TEMPLATE = "template"
    """What new databases are cloned from; a job makes it, and then nobody enters it any more."""

    @property
    def counts_as_production(self) -> bool:
        """Whether it takes what production takes: what is in a template is in every branch."""
        return self in {Environment.PRODUCTION, Environment.TEMPLATE}

    @property
    def shares_data_role(self) -> bool:
        """Whether what is inside belongs to the data role of its app, not to its own login."""
        return self in {Environment.BRANCH, Environment.PREVIEW, Environment.TEMPLATE}


MIGRATED_BY = {
    Environment.DEV: "from checkouts, by coppice migrate",
    Environment.SHADOW: "by tools that use it",
}
"""How databases come to their schema that no run reaches."""
