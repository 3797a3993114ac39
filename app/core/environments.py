"""The environments of an app."""

from enum import StrEnum


class Environment(StrEnum):
    """What a database is for."""

    PRODUCTION = "production"
    BRANCH = "branch"
    PREVIEW = "preview"
    DEV = "dev"
