"""Which of the files that a service names are read, and how much of them."""

import os
from pathlib import Path

import pytest

from action import changed
from action.changed import File
from action.reply import Changes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside.sql").write_text("outside")
    repository = tmp_path / "repository"
    (repository / "db").mkdir(parents=True)
    (repository / "db" / "1.sql").write_text("one")
    return repository


def names(root: Path, *paths: str) -> list[str]:
    return [file.path for file in changed.read(root, Changes(files=paths))]


def test_files_of_the_repository_are_read_in_order(root: Path) -> None:
    (root / "2.sql").write_bytes(b"\xff")

    changes = Changes(files=("db/1.sql", "2.sql"), added=frozenset({"2.sql"}))

    assert list(changed.read(root, changes)) == [
        File("db/1.sql", b"one", is_added=False),
        File("2.sql", b"\xff", is_added=True),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "../outside.sql",
        "db/../../outside.sql",
        "db/../db/1.sql",
        "/etc/passwd",
        "{outside}",
        "link.sql",
        "folder/outside.sql",
        "loop.sql",
        "pipe.sql",
        "db",
        "db.sql",
        "db/1.txt",
        "db/1.SQL\n.sql",
        "db/1\0.sql",
        "x" * 300 + ".sql",
        "x/" * 600 + ".sql",
        "",
    ],
)
def test_nothing_else_is(root: Path, path: str) -> None:
    outside = root.parent / "outside.sql"
    (root / "link.sql").symlink_to(outside)
    (root / "folder").symlink_to(root.parent)
    (root / "loop.sql").symlink_to(root / "loop.sql")
    (root / "db.sql").mkdir()
    os.mkfifo(root / "pipe.sql")

    assert names(root, path.format(outside=outside), "db/1.sql") == ["db/1.sql"]


def test_a_link_within_the_repository_is_a_file_of_it(root: Path) -> None:
    (root / "link.sql").symlink_to("db/1.sql")

    assert names(root, "link.sql") == ["link.sql"]


def test_there_are_limits(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "long.sql").write_bytes(b"x" * 300_001)
    (root / "fits.sql").write_bytes(b"x" * 300_000)

    assert names(root, "long.sql", "fits.sql") == ["fits.sql"]
    assert len(names(root, *["db/1.sql"] * 301)) == 300
    assert len(names(root, *["fits.sql"] * 20)) == 16  # 5 MB
    monkeypatch.setattr(changed, "_MOST_SECONDS", -1.0)
    assert names(root, "db/1.sql") == []
