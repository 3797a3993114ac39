"""Every text says what happened in its title and what to do below it."""

import pytest

from action import messages, refusals, verdicts
from action.errors import Problem
from action.limit import Limit
from action.reply import Refusal

URL = "https://coppice.example.com"


def refusal(code: str, message: str = "No.", advice: str = "Do this.") -> Refusal:
    return Refusal(code=code, message=message, advice=advice, retry_after_seconds=1)


PROBLEMS: dict[str, Problem] = {
    "inputs": messages.wrong_inputs(["`app` is wrong", "`migrate` is wrong"]),
    "permission": messages.no_id_token(),
    "token": messages.token_unavailable("HTTP status 500"),
    "fork": messages.fork(),
    "no database": messages.no_database("A tag.", "Use a branch."),
    "no database, no words": messages.no_database("", ""),
    "away": messages.unavailable(URL, "it refused the connection"),
    "certificate": messages.certificate_refused(URL, "self-signed certificate"),
    "redirect": messages.redirected(URL, "login.example.com"),
    "other site": messages.not_coppice(URL, status=404),
    "invalid": messages.invalid_reply(URL, "PGHOST is malformed"),
    "no command": messages.no_command("3ba03b"),
    "cancelled": messages.cancelled(),
    "bug": messages.bug("KeyError"),
    "audience": refusals.refused(401, refusal("wrong_audience"), url=URL),
    "wordless refusal": refusals.refused(403, refusal("", "", ""), url=URL),
    "unreachable": verdicts.unreachable("db:5432", "refused", is_loopback=False),
    "loopback": verdicts.unreachable("127.0.0.1:5432", "refused", is_loopback=True),
    "tls": verdicts.tls_failed("db:5432", "no TLS"),
    "login": verdicts.login_refused("db:5432", "no"),
    "wrong database": verdicts.wrong_database("db:5432", "3ba03b--x"),
    "waited": verdicts.waited_too_long("3ba03b--x", "It is created.", seconds=300),
    **{
        f"failed on {environment}": verdicts.command_failed(
            f"3ba03b--{environment}", exit_code=3, environment=environment
        )
        for environment in ("branch", "preview", "production")
    },
    "not started": verdicts.command_failed("3ba03b--x", exit_code=None, environment="branch"),
    "no way": verdicts.found_no_way(
        verdicts.command_failed("3ba03b--x", exit_code=1, environment="branch"), ""
    ),
    "kept out": verdicts.found_no_way(
        verdicts.command_failed("3ba03b--x", exit_code=1, environment="branch"), "It was refused."
    ),
    "timed out": verdicts.command_timed_out("3ba03b--x", Limit(30)),
    "lease": verdicts.lease_lost("3ba03b--x", "Silent."),
    "interrupted": verdicts.interrupted("3ba03b--x"),
    "no turn": verdicts.not_started("3ba03b--x"),
    "report": verdicts.report_lost("3ba03b--x", "success"),
    "overruled": verdicts.overruled("3ba03b--x", "Given up."),
    "untouched": verdicts.untouched("3ba03b-production"),
    "template": verdicts.template_kept(verdicts.not_started("3ba03b-template-2")),
    "export": verdicts.nothing_to_export("3ba03b--x"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_a_sentence_and_what_to_do(name: str) -> None:
    problem = PROBLEMS[name]

    assert "\n" not in problem.title
    assert len(problem.text) > 40
    assert problem.text == problem.text.strip()
    assert not [left for left in ("{", "}", "None") if left in problem.title + problem.text]


def test_every_cause_has_a_title_of_its_own() -> None:
    titles = {problem.title for problem in PROBLEMS.values()}

    assert len(titles) >= len(PROBLEMS) - 1


def test_a_missing_permission_shows_the_lines_to_add() -> None:
    text = messages.no_id_token().text

    assert "```yaml\npermissions:\n  contents: read\n  id-token: write\n```" in text


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("wrong_audience", f"  service-url: {URL}"),
        ("not_assigned", "coppice apps assign OWNER/REPOSITORY INSTANCE"),
        ("runtime_not_allowed", "  credentials: job"),
        ("environment_missing", "    environment: production"),
    ],
)
def test_a_refusal_shows_the_line_to_write(code: str, line: str) -> None:
    problem = refusals.refused(403, refusal(code), url=URL)

    assert line in problem.text
    assert problem.title == f"No. ({code})"
    assert problem.text.startswith("Do this.")


def test_a_timeout_shows_how_to_allow_more_within_the_limit() -> None:
    assert "timeout-minutes: 60" in verdicts.command_timed_out("x", Limit(30)).text
    assert "timeout-minutes: 360" in verdicts.command_timed_out("x", Limit(300)).text
