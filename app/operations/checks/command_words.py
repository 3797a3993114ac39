"""A command in a check run: what it was, how long it took, and what it printed. Pure."""

from app.core.amounts import duration
from app.core.markdown import block, code, plain_lines

# GitHub takes 65,535 characters for a summary and as many for a text.
# https://docs.github.com/en/rest/checks/runs
MAX_TEXT = 65_535
_MAX_LOG = 60_000
_MAX_COMMAND = 2_000


def facts(duration_seconds: float | None, exit_code: int | None, *, command: str) -> str:
    """A list of what is known: nothing of it when the runner went away."""
    lines = []
    if duration_seconds is not None:
        lines.append(f"- Duration: {duration(duration_seconds)}")
    if exit_code is not None:
        lines.append(f"- Exit code: {exit_code}")
    return "\n".join([*lines, command_line(command)])


def command_line(command: str) -> str:
    """The command as an item of a list, cut when it is very long."""
    command = command.strip()
    if len(command) > _MAX_COMMAND:
        command = f"{command[:_MAX_COMMAND]}..."
    if "\n" in command:
        return f"- Command:\n\n{block(plain_lines(command))}"
    return f"- Command: {code(command)}"


def log_blocks(*logs: str) -> str:
    """The ends of these logs, one below the other; they share the room that GitHub gives."""
    shown = [log.strip("\n") for log in logs if log.strip("\n")]
    if not shown:
        return ""
    room = _MAX_LOG // len(shown)
    text = "\n\n".join(block(log[-room:]) for log in shown)
    # A fence grows with the longest run of backticks inside.
    if len(text) <= MAX_TEXT:
        return text
    return "\n\n".join(block(log[-room:].replace("`", "'")) for log in shown)
