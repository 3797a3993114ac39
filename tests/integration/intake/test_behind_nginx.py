"""The proxy of `docs/nginx.conf` in front of the web server, and a crowd in front of that."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from app.machine.server_certificate import certify
from tests.integration.intake.deliveries import Stored, encoded, headers
from tests.integration.intake.web import Web

ROOT = Path(__file__).parents[3]
PLACES = [os.environ["PATH"], "/usr/sbin", str(ROOT / "build/nginx/usr/sbin")]
SOON_SECONDS = 5.0
MAIN = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/coppice.conf;
}}
"""


@pytest.fixture
def port(web: Web, tmp_path: Path) -> Iterator[int]:
    """Where nginx listens."""
    program = shutil.which("nginx", path=os.pathsep.join(PLACES))
    if program is None:
        pytest.skip("nginx is missing: script/setup gets it where it can")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    made = certify("localhost")
    (tmp_path / "fullchain.pem").write_text(made.certificate)
    (tmp_path / "privkey.pem").write_text(made.key)
    (tmp_path / "ca.pem").write_text(made.ca)
    documented = (ROOT / "docs/nginx.conf").read_text()
    for written, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "coppice.example.com": "localhost",
        "/etc/ssl/coppice": str(tmp_path),
        "127.0.0.1:8000": f"127.0.0.1:{web.port}",
    }.items():
        assert written in documented
        documented = documented.replace(written, here)
    (tmp_path / "coppice.conf").write_text(documented)
    (tmp_path / "main.conf").write_text(MAIN.format(folder=tmp_path))
    process = subprocess.Popen(
        [program, "-c", str(tmp_path / "main.conf"), "-p", str(tmp_path), "-e", "stderr"]
    )
    try:
        web.wait_until(lambda: is_listening(port))
        yield port
    finally:
        process.kill()
        process.wait()


def is_listening(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def test_idle_and_half_sent_connections_at_the_proxy_hold_nobody_up(
    port: int, stored: Stored, tmp_path: Path
) -> None:
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    body = encoded()
    with ExitStack() as crowd:
        for number in range(200):
            plain = crowd.enter_context(socket.create_connection(("127.0.0.1", port)))
            if number % 2:
                half = crowd.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
                half.sendall(b"POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\n")
                if number % 4 == 1:
                    half.sendall(b"Content-Length: 1000\r\n\r\n{")

        started_at = time.monotonic()
        answers = [
            requests.post(
                f"https://localhost:{port}/webhooks/github",
                body,
                headers=headers(body),
                verify=str(tmp_path / "ca.pem"),
                timeout=30,
            ).status_code
            for _ in range(6)
        ]

    assert answers == [202] * 6
    assert time.monotonic() - started_at < SOON_SECONDS
