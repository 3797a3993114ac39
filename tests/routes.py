"""Routes, compiled once in a process: the application has the same ones in each test.

For each route of each application, Werkzeug writes two functions that build its URL, and compiles
them: for ours that is more than all else that opening a world takes. Where defaults take part, it
does so as always.
"""

from collections.abc import Callable

from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]

_write = Rule._compile_builder
_written: dict[tuple[str, tuple[tuple[bool, str], ...], bool], _Builder] = {}


def _written_once(self: Rule, append_unknown: bool = True) -> _Builder:
    if self.defaults:
        return _write(self, append_unknown)
    # All that the functions are made of.
    key = (self.rule, tuple(self._trace), append_unknown)
    if key not in _written:
        _written[key] = _write(self, append_unknown)
    return _written[key]


def compile_once() -> None:
    """Have every application of this process share them."""
    Rule._compile_builder = _written_once  # type: ignore[method-assign]
