"""Which files differ between two commits, as GitHub's comparison lists them."""

from dataclasses import dataclass

from demo.github.git import GitRepository

# https://git-scm.com/docs/git-diff#_raw_output_format
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "T": "changed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One file."""

    path: str
    former_path: str | None
    """Where it was before, if it was renamed."""
    status: str
    sha: str
    """Of what it holds now, or held before it was removed."""
    additions: int
    deletions: int


def differences(git: GitRepository, base: str, head: str) -> list[Difference]:
    """Compare two commits; the files are in git's order."""
    fields = iter(git.difference(base, head).split("\0"))
    changes: list[tuple[str, str | None, str, str]] = []
    counts: list[tuple[int, int]] = []
    for field in filter(None, fields):
        if field.startswith(":"):
            _, _, before, after, letter = field.split(" ")
            former = next(fields) if letter.startswith("R") else None
            sha = before if letter == "D" else after
            changes.append((next(fields), former, _STATUS[letter[0]], sha))
            continue
        added, deleted, path = field.split("\t")
        if not path:  # both paths of a renamed file follow
            next(fields), next(fields)
        counts.append((_count(added), _count(deleted)))
    return [
        Difference(
            path=path, former_path=former, status=status, sha=sha, additions=added, deletions=gone
        )
        for (path, former, status, sha), (added, gone) in zip(changes, counts, strict=True)
    ]


def _count(number: str) -> int:
    return 0 if number == "-" else int(number)  # a file that is no text
