from dataclasses import replace

import pytest

from action import results, verdicts
from action.reply import Planned, Verdict
from action.results import Ended, Result, judged, overall
from action.service import Report

PREVIEW = Planned(environment="preview", database="3ba03b-preview")


def ended(result: str, *, is_alarm: bool = False) -> Ended:
    problem = None
    if result != results.SUCCESS:
        problem = verdicts.command_failed(PREVIEW.database, exit_code=1, environment="preview")
    if is_alarm:
        problem = verdicts.wrong_database("db:5432", PREVIEW.database)
    report = Report(result=result, exit_code=1, duration_seconds=1.0, log="")
    return Ended(report=report, problem=problem)


@pytest.mark.parametrize(
    ("result", "service_fails", "may_be_neutral", "fails"),
    [
        ("success", False, False, False),
        ("success", False, True, False),
        ("failure", True, False, True),
        ("failure", True, True, True),
        ("failure", False, True, False),
        ("failure", False, False, True),
        ("timed-out", False, False, True),
        ("timed-out", False, True, False),
        ("success", True, True, True),
    ],
)
def test_only_a_neutral_place_softens_a_failure(
    result: str, service_fails: bool, may_be_neutral: bool, fails: bool
) -> None:
    verdict = Verdict(again=False, fails=service_fails, message="")

    judgement = judged(PREVIEW, ended(result), verdict, may_be_neutral=may_be_neutral)

    assert judgement.fails is fails


def test_a_wrong_database_fails_even_where_failures_are_neutral() -> None:
    verdict = Verdict(again=False, fails=False, message="")

    judgement = judged(PREVIEW, ended(results.FAILURE, is_alarm=True), verdict, may_be_neutral=True)

    assert judgement.fails


def test_a_success_that_the_service_does_not_count_is_a_failure() -> None:
    verdict = Verdict(again=False, fails=True, message="Given up before.")

    judgement = judged(PREVIEW, ended(results.SUCCESS), verdict, may_be_neutral=False)

    assert (judgement.result, judgement.is_good) == (results.FAILURE, False)
    assert judgement.problem
    assert "Given up before." in judgement.problem.text


def of(*pairs: tuple[str, bool]) -> list[Result]:
    return [Result(planned=PREVIEW, result=result, fails=fails) for result, fails in pairs]


@pytest.mark.parametrize(
    ("databases", "expected"),
    [
        (of(("success", False), ("success", False)), "success"),
        (of(("success", False), ("failure", False)), "success"),
        (of(("success", False), ("failure", True)), "failure"),
        (of(("superseded", False), ("skipped", False)), "skipped"),
        (of(("superseded", False), ("success", False)), "success"),
        (of(("superseded", False), ("failure", False)), "skipped"),
    ],
)
def test_results_sum_up(databases: list[Result], expected: str) -> None:
    assert overall(databases) == expected


def test_a_failed_seed_leaves_the_migration_a_success_and_fails_the_step() -> None:
    good = Report(result=results.SUCCESS, exit_code=0, duration_seconds=1.0, log="")
    bad = Report(result=results.FAILURE, exit_code=1, duration_seconds=1.0, log="")
    told = Ended(
        report=replace(good, seed=bad),
        problem=verdicts.not_seeded(PREVIEW.database, "ended with exit code 1"),
    )
    verdict = Verdict(again=False, fails=True, message="Migrated, but.")

    judgement = judged(PREVIEW, told, verdict, may_be_neutral=False)

    assert (judgement.result, judgement.fails, judgement.is_good) == ("success", True, False)
    assert judgement.problem
    assert "the migration itself succeeded" in judgement.problem.title
