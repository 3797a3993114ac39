"""Which changed files have a template made anew: where migration tools keep what they run."""

import pytest

from app.core.migration_paths import may_change_migrations
from app.core.repositories import MOST_CHANGED_FILES, ChangedFiles

MIGRATIONS = [
    "prisma/migrations/20260101000000_init/migration.sql",
    "prisma/schema.prisma",
    "packages/db/prisma/seed.ts",
    "drizzle/0001_users.sql",
    "drizzle/meta/_journal.json",
    "drizzle.config.ts",
    "alembic/versions/0001_users.py",
    "alembic/env.py",
    "migrations/versions/0001_users.py",  # Flask-Migrate
    "shop/migrations/0002_user_name.py",  # Django
    "shop/fixtures/users.json",
    "db/migrate/20260101000000_create_users.rb",  # Rails
    "db/structure.sql",
    "db/migrations/20260101000000_users.sql",  # dbmate
    "src/main/resources/db/migration/V1__users.sql",  # Flyway
    "db/changelog/db.changelog-master.yaml",  # Liquibase
    "liquibase/changelog.xml",
    "src/main/resources/db.changelog-master.yaml",
    "migrations/20260101000000_users.js",  # Knex, node-pg-migrate, Sequelize, db-migrate
    "seeders/20260101000000-users.js",
    "seeds/users.js",
    "src/migration/1700000000000-Users.ts",  # TypeORM
    "deploy/users.sql",  # sqitch
    "sqitch.plan",
    "migrate.sh",
    "scripts/seed.py",
    "Services/Data/Migrations/20260101_Users.cs",
    ".github/workflows/migrate.yml",
]
OTHERS = ["README.md", "src/index.ts", "src/dbx.ts", "docs/notes.md", ".github/CODEOWNERS"]


@pytest.mark.parametrize("path", MIGRATIONS)
def test_a_file_where_a_tool_keeps_its_migrations_counts(path: str) -> None:
    assert may_change_migrations(ChangedFiles(paths=("README.md", path)))
    assert may_change_migrations(ChangedFiles(paths=(), removed=(path,)))


def test_other_files_do_not_unless_the_list_may_be_cut_short() -> None:
    assert not may_change_migrations(ChangedFiles(paths=tuple(OTHERS)))
    many = tuple(f"src/{number}.ts" for number in range(MOST_CHANGED_FILES))
    assert may_change_migrations(ChangedFiles(paths=many))
    assert not may_change_migrations(ChangedFiles(paths=many[1:]))
