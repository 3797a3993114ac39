"""Parts that are built when they are first used: what they need takes long to import."""

import threading
from collections.abc import Callable
from typing import Any


class Late:
    """Stands for a part until somebody uses it, and hands everything to it from then on."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._built: Any = None

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._built is None:
                self._built = self._build()
            return getattr(self._built, name)

    def close(self) -> None:
        """Close the part if there is one."""
        if self._built is not None:
            self._built.close()
