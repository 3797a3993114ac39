"""What the machine of another instance is asked to do, and waited for by whoever asked."""

import time
from collections.abc import Callable

from app import patience
from app.core.findings import InstanceMeasurement
from app.core.hosts import Host, OnAnotherHost, silent_host
from app.core.instances import Instance
from app.core.intents import MeasureInstance
from app.store.store import Store

MOST_SECONDS = 20.0
_LOOK_SECONDS = 0.1


def silent(store: Store, instance: Instance) -> Host | None:
    """The machine of an instance that cannot be reached because it is silent; None: it can be."""
    hosts = store.hosts.known() if instance.host else {}
    return silent_host(instance, hosts, here=store.hosts.here)


def need_alive(store: Store, instance: Instance) -> None:
    """Raise OnAnotherHost when nobody would do it: no machine is known, or it is silent."""
    host = store.hosts.of(instance)
    if host is None or host.is_silent:
        raise OnAnotherHost(instance, host)


def wait_until(holds: Callable[[], bool], *, doing: str) -> bool:
    """Whether it came to hold within the time that whoever asks has, or twenty seconds.

    Raises StillBusy when a request has no more time; `doing` begins the message.
    """
    with patience.spent(doing):
        until = time.monotonic() + patience.left(MOST_SECONDS)
        while not holds():
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_SECONDS)
    return True


def measured(store: Store, instance: Instance) -> InstanceMeasurement:
    """Have an instance measured by its machine now. Raises OnAnotherHost when that is silent."""
    need_alive(store, instance)
    before = store.measurements.of_instance(instance.id)

    def is_new() -> bool:
        now = store.measurements.of_instance(instance.id)
        return now is not None and (before is None or now.measured_at != before.measured_at)

    store.queue.add([MeasureInstance(instance_id=instance.id)])
    wait_until(is_new, doing=f"Testing {instance.name}")
    found = store.measurements.of_instance(instance.id)
    if found is None or found == before:
        raise patience.StillBusy(f"{instance.name} is tested by its machine, which is busy.")
    return found
