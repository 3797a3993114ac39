"""Variables as the text of a `.env` file."""

from collections.abc import Mapping


def written(variables: Mapping[str, str]) -> str:
    """One line for each; every value is quoted so that it is read back as it is."""
    return "\n".join(f"{name}={_value(value)}" for name, value in variables.items())


def _value(value: str) -> str:
    """Bare where every reader of .env files agrees, else in double quotes with escapes."""
    if value and all(character.isalnum() or character in "_-./:@%?=&+~" for character in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + escaped.replace("$", "\\$") + '"'
