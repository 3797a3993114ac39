"""What people write below pull requests and issues."""

from demo.github.control.base import Control
from demo.github.conversations import new_comment, tell
from demo.github.model import Account, Comment, Issue, PullRequest, Repository
from demo.github.state import utc_now


class CommentControl(Control):
    """Comments as people make, edit and delete them."""

    def open_issue(self, repository: Repository) -> Issue:
        with self.context.state.lock:
            record = Issue(
                id=self.context.state.new_id(),
                number=repository.next_number,
                title="Something is odd",
                author=self.user("mona"),
                repository=repository,
                created_at=utc_now(),
            )
            repository.next_number += 1
            self.context.state.issues[repository.id, record.number] = record
        return record

    def comment(
        self, on: PullRequest | Issue, body: str, *, user: Account, is_by_app: bool = False
    ) -> Comment:
        """Say something; `is_by_app` for what an App says in that account's name."""
        with self.context.state.lock:
            return new_comment(self.context, on, author=user, body=body, is_by_app=is_by_app)

    def comments(self, on: PullRequest | Issue) -> list[Comment]:
        """All of a conversation, oldest first."""
        with self.context.state.lock:
            return [each for each in self.context.state.comments.values() if each.on is on]

    def edit_comment(self, record: Comment, body: str, *, user: Account) -> None:
        with self.context.state.lock:
            before, record.body = record.body, body
            record.updated_at = utc_now()
            changes = {"body": {"from": before}}
            tell(self.context, record, "edited", sender=user, changes=changes)

    def delete_comment(self, record: Comment, *, user: Account) -> None:
        with self.context.state.lock:
            del self.context.state.comments[record.id]
            tell(self.context, record, "deleted", sender=user)

    def say_as(self, record: Comment, *, sender: Account) -> None:
        """Send the comment's event once more under a delivery of its own, as of that sender.

        So it looks when somebody acts in another's name.
        """
        with self.context.state.lock:
            tell(self.context, record, "created", sender=sender)
