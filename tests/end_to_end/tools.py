"""The example projects: real migration tools, each with two migrations and a broken third."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.runner import CHECKOUT

_PROJECTS = Path(__file__).with_name("projects")
_BUILD = CHECKOUT / "build"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A project and how it migrates."""

    name: str
    command: str
    broken_to: str
    """The folder in which a copy of `broken/` is found by the tool."""
    broken_at: tuple[str, int] = ("", 0)
    """File and line of what fails, where the tool sends it as it stands there."""
    build: str = ""
    needs: Path | None = None
    """What `script/setup` could not install everywhere."""

    @property
    def files(self) -> dict[str, str]:
        """The project as it stands at first, without `broken`."""
        return {path: text for path, text in self._all().items() if not path.startswith("broken/")}

    @property
    def broken(self) -> dict[str, str]:
        """The files of a commit that adds the broken migration."""
        return {
            f"{self.broken_to}/{path.removeprefix('broken/')}": text
            for path, text in self._all().items()
            if path.startswith("broken/")
        }

    def _all(self) -> dict[str, str]:
        root = _PROJECTS / self.name
        return {
            str(path.relative_to(root)): path.read_text()
            for path in sorted(root.rglob("*"))
            if path.is_file() and not {"node_modules", "__pycache__"} & set(path.parts)
        }


def _npm(packages: str) -> dict[str, Any]:
    """In place of `npm ci`, which needs the internet: what `script/setup` has installed.

    Commands name its programs there: to find one takes `npx` a second each time.
    """
    needs = _BUILD / packages
    return {"build": f"ln -sfn '{needs / 'node_modules'}' node_modules", "needs": needs}


TOOLS = (
    Tool(name="alembic", command="alembic upgrade head", broken_to="migrations/versions"),
    Tool(
        name="dbmate",
        command="dbmate --no-dump-schema migrate",
        broken_to="db/migrations",
        broken_at=("db/migrations/0003_broken.sql", 2),
    ),
    Tool(
        name="deno",
        command="deno task migrate",
        broken_to="migrations",
        broken_at=("migrations/0003_broken.sql", 1),
    ),
    Tool(
        name="django",
        command="python manage.py migrate --noinput",
        broken_to="shop/migrations",
    ),
    Tool(
        name="drizzle",
        command="node_modules/.bin/drizzle-kit migrate",
        broken_to="drizzle",
        broken_at=("drizzle/0002_broken.sql", 2),
        **_npm("migrations"),
    ),
    Tool(
        name="knex",
        command="node_modules/.bin/knex migrate:latest",
        broken_to="migrations",
        **_npm("migrations"),
    ),
    Tool(
        name="node-pg-migrate",
        command="node_modules/.bin/node-pg-migrate up",
        broken_to="migrations",
        broken_at=("migrations/0003_broken.sql", 3),
        **_npm("migrations"),
    ),
    Tool(
        name="prisma",
        command="node_modules/.bin/prisma migrate deploy",
        broken_to="prisma/migrations",
        broken_at=("prisma/migrations/0003_broken/migration.sql", 2),
        **_npm("prisma"),
    ),
)
# Neither npm nor Prisma looks for a newer version of itself.
QUIET = {"npm_config_update_notifier": "false", "CHECKPOINT_DISABLE": "1"}
# What the runner's machine has: Deno finds its packages there without the internet.
ENVIRON = {"DENO_DIR": str(_BUILD / "deno"), **QUIET}
