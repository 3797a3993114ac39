"""Parts that are built when they are first used: what they need takes long to import."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What holds something open."""

    def close(self) -> None: ...


Part = TypeVar("Part", bound=Closable)


class Late(Generic[Part]):
    """Called, it gives the part, which is built the first time. Thread-safe."""

    def __init__(self, build: Callable[[], Part]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._built: Part | None = None

    def __call__(self) -> Part:
        with self._lock:
            if self._built is None:
                self._built = self._build()
            return self._built

    def close(self) -> None:
        """Close the part if there is one."""
        if self._built is not None:
            self._built.close()
