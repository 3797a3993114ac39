"""What is read without a process is what git itself says: packed, only git can read it."""

import random
import subprocess
from itertools import product
from pathlib import Path

import pytest

from demo.github import loose
from demo.github.git import GitRefused, GitRepository
from demo.github.loose import Commit

_NAMES = ("main", "a/b", "a", "a/b/c", "gone", "v1.2", "x y", "../HEAD", "main^", "-x", "", "A/B")


@pytest.mark.parametrize("seed", range(2))
def test_loose_and_packed_repositories_answer_alike(tmp_path: Path, seed: int) -> None:
    repository = GitRepository(tmp_path / "shop.git")
    repository.create(default_branch="main")
    shas = _history(repository, random.Random(seed))
    for name, sha in zip(("main", "a/b", "v1.2"), shas, strict=False):
        repository.set_branch(name, sha)
    told = _answers(repository, shas)
    known = loose.commit(repository.path, shas[0])

    subprocess.run(["git", "--git-dir", repository.path, "gc", "--quiet"], check=True)

    assert known is not None
    assert loose.commit(repository.path, shas[0]) is None
    assert loose.head(repository.path, "main") is None
    assert _answers(repository, shas) == told


def _history(repository: GitRepository, chance: random.Random) -> list[str]:
    """Two roots, lines, forks and merges, all of them on branches."""
    shas: list[str] = []
    for number in range(8):
        count = 0 if number in (0, 5) else min(len(shas), chance.choice([1, 1, 2]))
        message = chance.choice(["one", "two\n\nbody\n", "", "  blanks ", "ä\n"])
        parents = chance.sample(shas, count)
        shas.append(repository.commit(parents=parents, files={"n": str(number)}, message=message))
        repository.set_branch(f"kept/{number}", shas[-1])
    return shas


def _answers(repository: GitRepository, shas: list[str]) -> list[object]:
    tree = repository.show(shas[0]).tree
    unknown = ["0" * 40, "f" * 40, tree, shas[0].upper()]
    return [
        [repository.head(name) for name in _NAMES],
        [repository.knows(sha) for sha in [*shas, *unknown]],
        [_shown(repository, sha) for sha in [*shas, "f" * 40]],
        [repository.merge_base(*pair) for pair in product(shas, repeat=2)],
        [repository.commits_between(*pair) for pair in product(shas, repeat=2)],
    ]


def _shown(repository: GitRepository, sha: str) -> Commit | None:
    try:
        return repository.show(sha)
    except GitRefused:
        return None
