"""A worker with a job that never ends, which waits less long for its end than a real one."""

import os
import threading

from app import bootstrap
from app.config import Config
from app.core.queues import GITHUB
from app.jobs import worker
from app.jobs.queue import app


@app.task(name="tests:hang", queue=GITHUB)
def hang() -> None:
    print("hanging", flush=True)
    threading.Event().wait()


def main() -> None:
    worker.GRACE_SECONDS, worker.LAST_SECONDS = 0.2, 1.0
    config = Config.from_environ(os.environ)
    clusters = bootstrap.clusters(config)
    with (
        bootstrap.open_state(config) as state,
        bootstrap.open_services(config, state, clusters) as services,
    ):
        worker.run_worker(services, state.dsn, clusters=clusters, on_start=lambda: None)


if __name__ == "__main__":
    main()
