"""What `doctor` looks at beside the ports, on the real machine."""

import shutil
from collections.abc import Sequence

import requests

from app.config import Config
from app.core.errors import TransientError
from app.core.github_app import GitHubApp
from app.core.instances import Address
from app.github.registration import read_registration
from app.machine.data_dir import DataDir
from app.machine.reach import answers
from app.machine.restarts import read_restarts
from app.operations.administration.surroundings import FreeSpace, Registration, Restarts
from app.store.health import state_version

_TIMEOUT_SECONDS = 5.0


class Machine:
    """The `Surroundings` port."""

    def __init__(self, config: Config, *, dsn: str) -> None:
        self._config = config
        self._dsn = dsn

    def state_version(self) -> str:
        return state_version(self._dsn)

    def restarts(self) -> Sequence[Restarts]:
        return read_restarts(DataDir(path=self._config.data_dir).restarts)

    def registration(self, app: GitHubApp) -> Registration:
        return read_registration(
            app_id=app.app_id, private_key=app.private_key, api_url=self._config.github_api_url
        )

    def signing_keys(self) -> int:
        url = f"{self._config.oidc_issuer}/.well-known/jwks"
        try:
            answer = requests.get(url, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
            answer.raise_for_status()
            return len(answer.json()["keys"])
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise TransientError(
                f"{url} does not answer with keys.",
                advice="Jobs cannot prove who they are without them: check COPPICE_OIDC_ISSUER and"
                " this machine's way to it.",
            ) from error

    def free_space(self) -> FreeSpace:
        usage = shutil.disk_usage(self._config.data_dir)
        return FreeSpace(
            folder=str(self._config.data_dir), free_bytes=usage.free, total_bytes=usage.total
        )

    def servers(self) -> Sequence[str]:
        folder = DataDir(path=self._config.data_dir).instances
        return sorted(file.parent.name for file in folder.glob("*/cluster"))

    def reaches(self, address: Address) -> bool:
        return answers(address)
