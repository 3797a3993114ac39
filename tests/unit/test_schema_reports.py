"""What people read at GitHub of changes of the schema."""

from app.core.identifiers import CommitSha
from app.core.traces import Change, Risk, Size, Trace
from app.operations.checks import schema_reports

DROPPED = Change(
    kind="table", name="public.users", text="table public.users: dropped", risk=Risk.DATA
)
WIDER = Change(kind="column", name="public.a.id", text="column public.a.id: type int -> bigint")
SIZES = {"public.users": Size(rows=1200, bytes=310 * 1024 * 1024)}


def test_the_title_counts_what_may_lose_data() -> None:
    assert schema_reports.title(Trace(changes=(WIDER,))) == "1 change of the schema"
    assert schema_reports.title(Trace(changes=(DROPPED, WIDER), more_changes=3)) == (
        "5 changes of the schema, 1 of them may lose data"
    )


def test_a_table_that_goes_is_told_with_what_production_has_in_it() -> None:
    assert schema_reports.lines(Trace(changes=(DROPPED, WIDER)), SIZES, room=1000) == (
        "- **may lose data**: `table public.users: dropped`"
        " (production: 1.2 k rows, 310 MB)\n"
        "- `column public.a.id: type int -> bigint`"
    )


def test_a_comment_has_them_folded_where_names_may_be_shown() -> None:
    commit = CommitSha("a" * 40)
    told = [
        schema_reports.folded(
            Trace(changes=(WIDER,)), {}, commit=commit, shows_names=each, room=1000
        )
        for each in (True, False)
    ]

    assert told == [
        "<details><summary>1 change of the schema, by aaaaaaaaa</summary>\n\n"
        "- `column public.a.id: type int -> bigint`\n\n</details>",
        "1 change of the schema, by aaaaaaaaa.",
    ]


def test_what_has_no_room_is_counted() -> None:
    told = schema_reports.lines(Trace(changes=(WIDER, WIDER, WIDER), more_changes=2), {}, room=100)

    assert told.splitlines()[-1] == "- and 3 more"
    assert len(told.splitlines()) == 3


def test_names_cannot_leave_their_line() -> None:
    hostile = Change(kind="table", name="x", text="table `\n# @all <b>\u202e: added")

    assert schema_reports.lines(Trace(changes=(hostile,)), None, room=1000) == (
        "- `` table `<U+000A># @all <b><U+202E>: added ``"
    )
