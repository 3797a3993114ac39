"""Options of commands that come from a table of rules."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from app.core.rules import Rule


def options(rules: tuple[Rule, ...]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each rule, in the place of its argument `rules`.

    It gets there what was typed, by the names of the rules: nothing of those that were not.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command).parameters.values()
        parameters = [each for one in own for each in (given if one.name == "rules" else [one])]

        @wraps(command)
        def with_options(**values: Any) -> None:
            found = {rule.name: values.pop(rule.name) for rule in rules}
            typed = {name: _typed(one) for name, one in found.items() if one is not None}
            command(rules=typed, **values)

        # https://docs.python.org/3/library/inspect.html#inspect.signature
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {one.name: one.annotation for one in parameters}
        return with_options

    given = [_parameter(rule) for rule in rules]
    return decorate


def _parameter(rule: Rule) -> inspect.Parameter:
    kind: Any = {tuple: list[str], int: str}.get(rule.kind, rule.kind)
    option = typer.Option(rule.option, metavar=rule.metavar, help=rule.help)
    return inspect.Parameter(
        rule.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def _typed(value: Any) -> Any:
    """An empty text empties a list."""
    return [one for one in value if one] if isinstance(value, list) else value
