"""What a commit is told that is the head of several branches: the worst of it counts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.core.checks import CheckContent, Conclusion
from app.core.identifiers import BranchName, DatabaseId, RunId
from app.core.markdown import code, visible

_SHOWN = 20
# What failed stays so whatever else is under way, and what is under way is no success yet.
_MILD_FIRST: tuple[Conclusion | None, ...] = (
    Conclusion.SKIPPED,
    Conclusion.SUCCESS,
    Conclusion.NEUTRAL,
    None,
    Conclusion.FAILURE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What one branch says under one name on one commit."""

    branch: BranchName | None
    """None: the default branch's, or of no branch."""
    content: CheckContent
    database_id: DatabaseId | None
    run_id: RunId | None


def worst(votes: Sequence[Vote]) -> Vote:
    """The one that counts; the first of those that are alike."""
    return max(votes, key=lambda vote: _MILD_FIRST.index(vote.content.conclusion))


def combined(votes: Sequence[Vote]) -> CheckContent:
    """What the check says: the worst, and how each branch did if there are several."""
    content = worst(votes).content
    if len(votes) == 1:
        return content
    by_branch = sorted(votes, key=lambda vote: vote.branch or "")
    lines = [f"- {_name(vote)}: {visible(vote.content.title)}" for vote in by_branch[:_SHOWN]]
    if len(by_branch) > _SHOWN:
        lines.append(f"- and {len(by_branch) - _SHOWN} more")
    summary = "\n\n".join(
        [
            "This commit is the head of several branches, each with a database of its own. The"
            " worst result counts:",
            "\n".join(lines),
            f"Of {_name(worst(votes))}:",
            content.summary,
        ]
    )
    return replace(content, summary=summary)


def _name(vote: Vote) -> str:
    return "the default branch" if vote.branch is None else code(vote.branch)
