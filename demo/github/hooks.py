"""Webhooks: signed, sent once, logged, and sent again only when somebody asks.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

import hashlib
import hmac
import json
import queue
import threading
import time
import uuid
from collections.abc import Iterable, Sequence

import requests

from demo.github.model import Delivery, Json
from demo.github.state import State, utc_now

HOOK_ID = 530_000_001
_TIMEOUT_SECONDS = 10


class Hook:
    """The App's webhook. Deliveries leave one after the other, in order, unless held."""

    def __init__(self, state: State, *, secret: str) -> None:
        self.url: str | None = None
        self.secret = secret
        self._state = state
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._held: list[Delivery] | None = None
        self._thread = threading.Thread(target=self._work, name="local-github-hook", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._queue.put(None)
        self._thread.join(timeout=_TIMEOUT_SECONDS + 5)

    def send(self, event: str, payload: Json) -> Delivery:
        """Record a delivery and hand it over as soon as its turn comes."""
        delivery = Delivery(
            id=self._state.new_id(),
            guid=str(uuid.uuid4()),
            event=event,
            payload=payload,
            delivered_at=utc_now(),
        )
        self._enter(delivery)
        return delivery

    def redeliver(self, delivery: Delivery) -> Delivery:
        """The same guid and payload once more."""
        again = Delivery(
            id=self._state.new_id(),
            guid=delivery.guid,
            event=delivery.event,
            payload=delivery.payload,
            delivered_at=utc_now(),
            is_redelivery=True,
        )
        self._enter(again)
        return again

    def hold(self) -> None:
        """Keep what is sent from now on, until `release`."""
        with self._state.lock:
            self._held = []

    def held(self) -> list[Delivery]:
        """What is kept, in the order in which it happened."""
        with self._state.lock:
            return list(self._held or [])

    def release(self, deliveries: Sequence[Delivery] | None = None) -> None:
        """Hand over these in this order (one named twice goes twice); the other held are lost."""
        with self._state.lock:
            chosen: Iterable[Delivery] = self.held() if deliveries is None else deliveries
            self._held = None
        seen: set[int] = set()
        for delivery in chosen:
            if delivery.id in seen:
                self.redeliver(delivery)
            else:
                seen.add(delivery.id)
                self._put(delivery)

    def wait(self) -> None:
        """Return when everything that was sent has been answered or has failed."""
        self._queue.join()

    def reset(self) -> None:
        """Send to nobody, and hold nothing; what is on its way arrives first."""
        self.wait()
        with self._state.lock:
            self.url, self._held = None, None

    def signature(self, body: bytes) -> str:
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        return f"sha256={digest}"

    def headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        """https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers"""
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0abc123",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": str(HOOK_ID),
            "X-GitHub-Hook-Installation-Target-ID": "1",
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature-256": self.signature(body),
        }

    def _enter(self, delivery: Delivery) -> None:
        with self._state.lock:
            self._state.deliveries.append(delivery)
            if self._held is not None:
                self._held.append(delivery)
                return
        self._put(delivery)

    def _put(self, delivery: Delivery) -> None:
        if self.url is None:
            delivery.status = "no webhook URL"
        else:
            self._queue.put(delivery)

    def _work(self) -> None:
        while (delivery := self._queue.get()) is not None:
            self._post(delivery)
            self._queue.task_done()
        self._queue.task_done()

    def _post(self, delivery: Delivery) -> None:
        body = json.dumps(delivery.payload).encode()
        started = time.monotonic()
        try:
            with requests.Session() as http:
                # Proxies' settings stand in os.environ. pytest changes it between two tests, which
                # would end this thread while it reads there, and no later delivery would leave.
                http.trust_env = False
                answer = http.post(
                    self.url or "",
                    data=body,
                    headers=self.headers(delivery, body),
                    timeout=_TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        except requests.Timeout:
            status, text = 0, "timed out"
        except requests.RequestException:
            status, text = 0, "failed to connect to host"
        else:
            status = answer.status_code
            text = "OK" if answer.ok else f"Invalid HTTP Response: {status}"
        with self._state.lock:
            delivery.duration_seconds = round(time.monotonic() - started, 2)
            delivery.status_code, delivery.status = status, text
