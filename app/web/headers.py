"""What every answer tells browsers: load nothing foreign, show it in no frame, keep no copy."""

from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from app.config import Config

_HSTS_SECONDS = 365 * 24 * 3600


def init_app(app: Flask, config: Config) -> None:
    """Add the headers to every answer that does not set them itself."""
    is_https = config.public_url.startswith("https://")

    def protect(response: Response) -> Response:
        for name, value in _headers(is_https=is_https).items():
            response.headers.setdefault(name, value)
        return response

    app.after_request(protect)


def allow_forms_to(url: str) -> None:
    """Let the page of this request send its forms to that server too."""
    parts = urlsplit(url)
    g.form_targets = (*g.get("form_targets", ()), f"{parts.scheme}://{parts.netloc}")


def _headers(*, is_https: bool) -> dict[str, str]:
    targets = " ".join(("'self'", *g.get("form_targets", ())))
    headers = {
        # https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
        "Content-Security-Policy": "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self'",
                "connect-src 'self'",
                f"form-action {targets}",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Not no-referrer: the forms of such a page would say `Origin: null`.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if request.endpoint != "static":
        headers["Cache-Control"] = "no-store"
    if is_https:
        headers["Strict-Transport-Security"] = f"max-age={_HSTS_SECONDS}"
    return headers
