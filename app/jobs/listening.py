"""Hearing of new jobs, from a channel on which every login that may connect can speak."""

import json
from collections.abc import Iterable

import procrastinate
from procrastinate.connector import Notify


class CarefulConnector(procrastinate.PsycopgConnector):
    """Heeds nothing but "a job was added": anything else would end the worker or a job.

    The channels of a database cannot be forbidden to whoever may connect to it. What is made up
    costs a look at the queue; what is kept back is found by the next look, without being told.
    """

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        async def heard(*, channel: str, payload: str) -> None:
            if is_of_a_job(payload):
                await on_notification(channel=channel, payload=payload)

        await super().listen_notify(on_notification=heard, channels=channels)


def is_of_a_job(payload: str) -> bool:
    """Whether it says that a job was added, in procrastinate's words."""
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("type") == "job_inserted"
