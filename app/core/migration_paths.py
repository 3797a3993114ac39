"""Which files may be migrations or seeds, by where migration tools keep them."""

import re

from app.core.repositories import MOST_CHANGED_FILES, ChangedFiles

# The usual folders and files of Prisma, Drizzle, Alembic, Django, Rails, Flyway, Liquibase, dbmate,
# Knex, node-pg-migrate, TypeORM, Sequelize and sqitch, and of their seeds; workflows give commands.
_MIGRATIONS = re.compile(
    r"(^|/)(migrat\w*|alembic|versions|prisma|drizzle|db|database|flyway|liquibase|change-?logs?"
    r"|deploy|sqitch|seed\w*|fixtures?|schema)(/|[.-][\w.-]+$)|\.(sql|prisma)$|^\.github/workflows/",
    re.IGNORECASE,
)


_SEEDS = re.compile(r"(^|/)(seed\w*|fixtures?)(/|\.\w+$)", re.IGNORECASE)


def may_change_seeds(changed: ChangedFiles) -> bool:
    """Whether one of the files may belong to the seed command, or the list is not whole."""
    paths = (*changed.paths, *changed.removed)
    return len(paths) >= MOST_CHANGED_FILES or any(map(_SEEDS.search, paths))


def may_change_migrations(changed: ChangedFiles) -> bool:
    """Whether one of the files may be a migration or a seed, or the list is not whole."""
    paths = (*changed.paths, *changed.removed)
    return len(paths) >= MOST_CHANGED_FILES or any(map(_MIGRATIONS.search, paths))
