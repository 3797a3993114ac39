"""What `serve` and `web` tell the person who started them."""

from app.config import Config
from app.core.github_app import WAY_INTO_REACH, why_out_of_reach
from app.store.health import Inventory


def greeting(config: Config) -> str:
    """Said before anything is started."""
    where = f"Its data is in {config.data_dir}"
    if config.database_url is not None:
        where = f"Its state is in COPPICE_DATABASE_URL's database, its files in {config.data_dir}"
    return f"Coppice is starting. {where}. Ctrl-C stops it."


def welcome(config: Config, inventory: Inventory | None, *, link: str | None) -> str:
    """Said once it is ready; `inventory` None: the state database did not say."""
    lines = [f"Coppice is ready at {config.public_url} (listening on {config.bind})."]
    lines += [f"Note: {warning}" for warning in config.warnings]
    lines += steps(config, link)
    if inventory is not None:
        is_connected = config.github_app is not None or inventory.has_github_app
        lines.append(_next(inventory, is_connected=is_connected))
    return "\n".join(lines)


def steps(config: Config, link: str | None) -> list[str]:
    """How the operator gets in by a link, if there has to be one, and what to do there."""
    if link is None:
        return []
    lines = [f"Log in as operator (once, within an hour): {link}"]
    if config.github_app is None:
        lines.append(f"Then connect GitHub at {config.public_url}/setup.")
        obstacle = why_out_of_reach(config.public_url, github_url=config.github_url)
        if obstacle is not None:
            lines.append(f"GitHub must reach the service for that. {obstacle} {WAY_INTO_REACH}")
    return lines


def _next(inventory: Inventory, *, is_connected: bool) -> str:
    if not inventory.instances:
        return (
            "Next, in another terminal: coppice instances provision local"
            "   (or `coppice instances link`, for a server that you have)"
        )
    if not inventory.apps:
        first = "" if is_connected else ", once GitHub is connected"
        return (
            f"Next, in another terminal{first}: coppice apps assign OWNER/REPO"
            f" {inventory.only_instance or 'INSTANCE'}"
        )
    return "`coppice doctor`, in another terminal, says whether all is well."
