"""Whose requests a page answers, and which repository it is about."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, redirect, request

from demo.github.pages.frame import missing, refusal
from demo.github.rest.guard import Answer, context

PREFIX = "/_site"
"""Where pages lie inside; to browsers they are at GitHub's own addresses. See `web`."""
# Coppice's own set-up page sends its manifest here, which changes nothing yet.
_FROM_ELSEWHERE = ("/settings/apps/new", "/organizations/")

Page = Callable[..., Answer]


def foreign_form(url: str) -> Response | None:
    """Refuse what another site made a browser send; programs send neither header.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
    """
    if request.method in ("GET", "HEAD") or request.path.startswith(_FROM_ELSEWHERE):
        return None
    is_ours = request.headers.get("Origin", url) == url
    if is_ours and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin":
        return None
    return refusal(f"Forms are taken from pages at {url} only.", status=403)


def repository_page(endpoint: Page) -> Page:
    """The endpoint of a repository's page, with the lock held."""

    @wraps(endpoint)
    def guarded(owner: str, repo: str, **arguments: Any) -> Answer:
        found = context()
        with found.state.lock:
            name = f"{owner}/{repo}"
            repository = found.state.repository(name) or found.state.moved_repository(name)
            return missing() if repository is None else endpoint(found, repository, **arguments)

    return guarded


def back_to(path: str) -> Answer:
    """The page that shows what a form did; a reload does it no second time."""
    return redirect(path, code=303)
