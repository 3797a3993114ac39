"""What to do about a message in a failed command's output, where the message alone says too little.

A match only adds words to a failure: nothing is decided by it. So it may look for English, which is
what most servers speak; tools print no SQLSTATE.
"""

import re

_EXTENSION = re.compile(r"must be owner of extension", re.IGNORECASE)
_ABOUT_EXTENSIONS = (
    "**An extension belongs to the server here**, as `plpgsql` does in every database, so a"
    " migration may use it and not comment on it (`COMMENT ON EXTENSION`), change it or drop it."
    " Dumps hold such comments: take the lines out, and make the next dump without them"
    " (`pg_dump --no-comments`; Rails: `ActiveRecord::Tasks::DatabaseTasks.structure_dump_flags ="
    ' ["--no-comments"]`).'
)


def on_output(text: str) -> str:
    """Advice in Markdown, of our own words alone; empty where we know nothing."""
    return _ABOUT_EXTENSIONS if _EXTENSION.search(text) else ""
