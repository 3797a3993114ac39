"""Which process of pytest-xdist runs which test, and when."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

# Every process that runs one of these starts a whole service. Three processes share them, with
# about equal work. (`--dist loadgroup`, meant for this, ignores its groups under pytest 9.2.)
_SERVICES = {
    "test_tools.py": "first service",
    "test_local_work.py": "first service",
    "test_secrets.py": "first service",
    "test_seeding.py": "first service",
    "test_shadow.py": "first service",
    "test_branches.py": "second service",
    "test_workflows.py": "second service",
    # Its storms use up the writes that an installation has in a minute: checks would wait.
    "test_comments.py": "third service",
    "dashboard/test_tokens.py": "third service",
    "test_kept_demo.py": "kept demonstration",
}
# Their files start a server or a service once for all their tests, or have nothing but quick ones.
_TOGETHER = tuple(
    f"tests/{folder}"
    for folder in (
        "integration/api/",
        "integration/auth/",
        "integration/cli/test_remote.py",
        "integration/github/",
        "integration/intake/",
        "integration/serve/test_running.py",
        "integration/serve/test_starting.py",
        "integration/trace/",
        "integration/web/",
        "unit/",
        "test_",
    )
)
# The longest come first, so that no process is left with one when all others are done.
_FIRST = ("tests/end_to_end/", "tests/integration/lifecycle/test_kills.py")
_FOLDER = "tests/end_to_end/"
_DASHBOARD = _FOLDER + "dashboard/"


class TogetherWhereServicesRun(LoadScopeScheduling):  # type: ignore[misc]
    """Tests go to whichever process is free, those that share something to the same."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        if file.startswith(_DASHBOARD):
            return "third service"
        if file.startswith(_TOGETHER):
            return file
        return _SERVICES.get(file.removeprefix(_FOLDER), nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; within each kind the order stays random."""
    items.sort(key=lambda item: not item.nodeid.startswith(_FIRST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Choose this way for `-n`."""
    return TogetherWhereServicesRun(config, log)
