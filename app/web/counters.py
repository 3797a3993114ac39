"""What the web processes count; every process of a machine adds to the same files."""

from prometheus_client import Counter

DELIVERIES = Counter(
    "coppice_deliveries_total", "Webhook deliveries taken in, by what they caused.", ["outcome"]
)
