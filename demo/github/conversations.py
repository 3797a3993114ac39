"""Comments come into being, by people or by the App, and are told of."""

from demo.github import payloads
from demo.github.context import Context
from demo.github.model import Account, Comment, Issue, PullRequest
from demo.github.state import utc_now


def bot(context: Context) -> Account:
    """The account in whose name the App's installation tokens write."""
    login = f"{context.identity.slug}[bot]"
    found = context.state.account(login)
    if found is None:
        found = Account(id=context.state.new_id(), login=login, type="Bot")
        context.state.accounts[found.id] = found
    return found


def new_comment(
    context: Context,
    on: PullRequest | Issue,
    *,
    author: Account,
    body: str,
    is_by_app: bool = False,
) -> Comment:
    """Somebody comments."""
    at = utc_now()
    record = Comment(
        id=context.state.new_id(),
        on=on,
        author=author,
        body=body,
        created_at=at,
        updated_at=at,
        is_by_app=is_by_app,
    )
    context.state.comments[record.id] = record
    tell(context, record, "created", sender=author)
    return record


def tell(
    context: Context, record: Comment, action: str, *, sender: Account, **parts: object
) -> None:
    """Send the event, if the App is installed there; an App hears of its own comments too."""
    installation = context.state.installation_of(record.repository)
    if installation is None or installation.is_suspended:
        return
    shown = {**payloads.issue_comment(context, record), **parts}
    payload = payloads.framed(context, record.repository, sender, action=action, **shown)
    context.hook.send("issue_comment", payload)
