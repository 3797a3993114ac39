"""A server's TLS that ends here, with the real server behind it: the packaged one has none."""

import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOCALHOST = x509.DNSName("localhost")
ADDRESS = x509.IPAddress(IPv4Address("127.0.0.1"))
_SSL_REQUEST = struct.pack("!II", 8, 80877103)


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that handles each connection in turn; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        ended = threading.Event()

        def accept() -> None:
            while not ended.is_set():
                with suppress(OSError), listener.accept()[0] as connection:
                    connection.settimeout(10)
                    serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            thread.join()


def at_once(serve: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """The same, in a thread for each connection."""

    def run(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            serve(connection)

    def begin(connection: socket.socket) -> None:
        threading.Thread(target=run, args=(connection.dup(),), daemon=True).start()

    return begin


def certificate(folder: Path, *names: x509.GeneralName) -> tuple[ssl.SSLContext, str]:
    """A server's context and its self-signed certificate for these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "server.pem").write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, pem.decode()


def terminating(context: ssl.SSLContext, host: str, port: int) -> Callable[[socket.socket], None]:
    """Answer SSLRequest, then pass everything between the client and the real server."""

    def serve(connection: socket.socket) -> None:
        assert connection.recv(8) == _SSL_REQUEST
        connection.sendall(b"S")
        with (
            context.wrap_socket(connection, server_side=True) as client,
            socket.create_connection((host, port)) as server,
            suppress(OSError),
        ):
            while all(pass_on(client, server)):
                pass

    def pass_on(client: ssl.SSLSocket, server: socket.socket) -> Iterator[int]:
        """In one thread: one that reads and one that writes break a TLS session now and then."""
        waiting = [client] if client.pending() else select.select([client, server], [], [], 10)[0]
        for source in waiting:
            piece = source.recv(10_000)
            (server if source is client else client).sendall(piece)
            yield len(piece)

    return serve
