"""A webhook address that answers as told, and remembers."""

from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response


class Receiver:
    """A service's webhook address that answers with `status`, and remembers."""

    def __init__(self) -> None:
        self.status = 202
        self.received: list[Request] = []
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/github"

    def run(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def guids(self) -> list[str]:
        return [request.headers["X-GitHub-Delivery"] for request in self.received]

    @property
    def events(self) -> list[str]:
        return [request.headers["X-GitHub-Event"] for request in self.received]

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        request.get_data(cache=True)
        self.received.append(request)
        return Response(status=self.status)(environ, start_response)
