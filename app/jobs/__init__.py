"""The queue: an intent becomes a job, a job calls one operation."""
