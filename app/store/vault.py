"""Encryption of stored credentials."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from psycopg import Connection
from psycopg.rows import DictRow

from app.core.errors import CoppiceError

CANARY = "coppice"


class WrongSecretKey(CoppiceError):
    """The configured keys do not decrypt what this state database holds."""

    code = "wrong_secret_key"
    advice = (
        "Set COPPICE_SECRET_KEYS to the keys this state database was made with (newest first); "
        "with the embedded state database they are in the file secret-keys of the data directory."
    )

    def __init__(self) -> None:
        super().__init__("The secret keys do not fit this state database.")


class Vault:
    """Encrypts with the first key, decrypts with any: rotation puts a new key in front."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, ciphertext: bytes) -> str:
        try:
            return self._fernet.decrypt(ciphertext).decode()
        except InvalidToken as error:
            raise WrongSecretKey from error

    def check_canary(self, connection: Connection[DictRow]) -> None:
        """Raise WrongSecretKey unless the keys belong here; a new database gets its canary."""
        connection.execute(
            "INSERT INTO canary (ciphertext) VALUES (%s) ON CONFLICT DO NOTHING",
            [self.encrypt(CANARY)],
        )
        row = connection.execute("SELECT ciphertext FROM canary").fetchone()
        if row is None or self.decrypt(row["ciphertext"]) != CANARY:
            raise WrongSecretKey


def new_key() -> str:
    """A fresh Fernet key."""
    return Fernet.generate_key().decode()
