"""SCRAM-SHA-256, both sides. Pure but for the nonces and the salt that the caller passes.

Source: https://www.rfc-editor.org/rfc/rfc5802 and https://www.rfc-editor.org/rfc/rfc7677
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import stringprep
import unicodedata

MECHANISM = "SCRAM-SHA-256"
_MOST_ITERATIONS = 1_000_000
_ITERATIONS = 4096  # as PostgreSQL does


class ScramFailed(Exception):
    """The server's part of the exchange is wrong: it does not know the password either."""


class Exchange:
    """One login: `first()`, then `final(server_first)`, then `verify(server_final)`."""

    def __init__(self, *, password: str, nonce: str) -> None:
        self._password = prepared(password)
        self._nonce = nonce
        # PostgreSQL takes the user from the startup message and ignores the one in here.
        self._bare = f"n=,r={nonce}"
        self._server_signature = b""
        self._is_open = False

    def first(self) -> bytes:
        """Make the first message; `n,,` says that we do not bind to the TLS channel."""
        self._is_open = True
        return f"n,,{self._bare}".encode()

    def final(self, server_first: bytes) -> bytes:
        """Prove that we know the password, to a server that proved nothing yet."""
        fields = _fields(server_first)
        try:
            nonce, iterations = fields["r"], int(fields["i"])
            salt = base64.b64decode(fields["s"], validate=True)
        except (KeyError, ValueError, binascii.Error):
            raise ScramFailed("it sent a malformed challenge") from None
        if not nonce.startswith(self._nonce) or len(nonce) <= len(self._nonce):
            raise ScramFailed("its challenge is not an answer to ours")
        if not 1 <= iterations <= _MOST_ITERATIONS:
            raise ScramFailed("it asked for an absurd amount of work")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, iterations)
        client_key = _digest(salted, b"Client Key")
        without_proof = f"c=biws,r={nonce}"
        signed = f"{self._bare},{server_first.decode('ascii')},{without_proof}".encode()
        self._server_signature = _digest(_digest(salted, b"Server Key"), signed)
        signature = _digest(hashlib.sha256(client_key).digest(), signed)
        proof = bytes(key ^ mask for key, mask in zip(client_key, signature))
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> None:
        """Check that the server knows the password's verifier. Raises ScramFailed."""
        try:
            sent = base64.b64decode(_fields(server_final)["v"], validate=True)
        except (KeyError, ValueError, binascii.Error):
            raise ScramFailed("it did not prove that it knows the login") from None
        if not self._server_signature or not hmac.compare_digest(sent, self._server_signature):
            raise ScramFailed("it did not prove that it knows the login")
        self._is_open = False

    def close(self) -> None:
        """Take note that the server calls us logged in. Raises ScramFailed if it skipped proof."""
        if self._is_open:
            raise ScramFailed("it did not prove that it knows the login")


class Verifier:
    """What a server knows of a password: enough to tell who has it, and to prove so itself."""

    def __init__(self, *, password: str, salt: bytes, iterations: int = _ITERATIONS) -> None:
        salted = hashlib.pbkdf2_hmac("sha256", prepared(password), salt, iterations)
        self._stored_key = hashlib.sha256(_digest(salted, b"Client Key")).digest()
        self._server_key = _digest(salted, b"Server Key")
        self._challenge = f"s={base64.b64encode(salt).decode()},i={iterations}"

    def challenge(self, client_first: bytes, *, nonce: str) -> bytes:
        """Answer a client's first message. Raises ScramFailed."""
        _, bare = _halves(client_first)
        if "r" not in _fields(bare):
            raise ScramFailed("it sent no nonce")
        return f"r={_fields(bare)['r']}{nonce},{self._challenge}".encode("ascii")

    def proof(self, client_first: bytes, server_first: bytes, client_final: bytes) -> bytes:
        """Answer a client's last message with a proof. Raises ScramFailed if it gave none."""
        header, bare = _halves(client_first)
        without_proof, _, _ = client_final.rpartition(b",p=")
        fields = _fields(client_final)
        try:
            is_same = base64.b64decode(fields["c"], validate=True) == header
            proof = base64.b64decode(fields["p"], validate=True)
        except (KeyError, ValueError, binascii.Error):
            raise ScramFailed("it sent a malformed message") from None
        if not is_same or fields.get("r") != _fields(server_first)["r"]:
            raise ScramFailed("its answer is not one to this challenge")
        signed = b",".join((bare, server_first, without_proof))
        signature = _digest(self._stored_key, signed)
        key = bytes(one ^ mask for one, mask in zip(proof, signature))
        if not hmac.compare_digest(hashlib.sha256(key).digest(), self._stored_key):
            raise ScramFailed("it does not know the password")
        return b"v=" + base64.b64encode(_digest(self._server_key, signed))


def prepared(password: str) -> bytes:
    """Bring a password into the form that both sides hash.

    What SASLprep forbids is taken as it is, as PostgreSQL does.
    https://www.rfc-editor.org/rfc/rfc4013 and
    https://github.com/postgres/postgres/blob/REL_18_STABLE/src/common/saslprep.c
    """
    if password.isascii():
        return password.encode()
    mapped = "".join(
        " " if stringprep.in_table_c12(one) else one
        for one in password
        if not stringprep.in_table_b1(one)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    return (password if _is_forbidden(normal) else normal).encode()


_FORBIDDEN = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def _is_forbidden(text: str) -> bool:
    if not text or any(is_in(one) for one in text for is_in in _FORBIDDEN):
        return True
    runs_left = [stringprep.in_table_d1(one) for one in text]
    is_mixed = any(stringprep.in_table_d2(one) for one in text)
    return any(runs_left) and (is_mixed or not (runs_left[0] and runs_left[-1]))


def _halves(client_first: bytes) -> tuple[bytes, bytes]:
    """Split a first message behind its header: `n,,` or `y,,`, which bind to no channel."""
    header, bare = client_first[:3], client_first[3:]
    if header not in (b"n,,", b"y,,"):
        raise ScramFailed("it binds to a channel that was not offered")
    return header, bare


def _fields(message: bytes) -> dict[str, str]:
    try:
        parts = message.decode("ascii").split(",")
    except UnicodeDecodeError:
        raise ScramFailed("it sent a malformed message") from None
    return {part[0]: part[2:] for part in parts if part[1:2] == "="}


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
