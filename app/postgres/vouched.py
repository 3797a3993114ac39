"""Extensions that a cluster of our own lets the service make, though they are for superusers.

PostgreSQL lets ordinary roles make an extension whose control file calls it trusted. Copies of
control files that say so lie in a folder where only the service's sessions look, so tenants get
such an extension by their assignment and not by themselves.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-EXTENSION-CONTROL-PATH
"""

import shutil
from pathlib import Path

from app.postgres.embedded.cluster import Cluster

# Types, indexes, functions of numbers and a trigger for timestamps: nothing in them reaches files,
# the network or other databases, and no script of theirs runs what it finds in a tenant's schema.
_VOUCHED = ("vector", "earthdistance", "moddatetime")
FIRST_MAJOR = 18
"""The first version that can look for control files in another folder."""


def control_path(cluster_folder: Path) -> str:
    """The value of `extension_control_path` for the service's sessions."""
    return f"{cluster_folder / 'extensions'}:$system"


def write_vouched_extensions(cluster: Cluster) -> None:
    """Copy the control files and scripts anew: they must fit the programs that start now."""
    folder = cluster.folder / "extensions"
    shutil.rmtree(folder, ignore_errors=True)
    share = cluster.binaries.share
    if share is None or cluster.binaries.major < FIRST_MAJOR:
        return
    scripts = folder / "extension"
    for name in _VOUCHED:
        files = [share / "extension" / f"{name}.control"]
        if not files[0].exists():
            continue
        files += (share / "extension").glob(f"{name}--*.sql")
        scripts.mkdir(parents=True, exist_ok=True)
        for file in files:
            cluster.account.own(Path(shutil.copy(file, scripts)))
        with (scripts / files[0].name).open("a") as control:
            control.write("\ntrusted = true\n")
        cluster.account.own(scripts)
        cluster.account.own(folder)
