"""Property tests on machines that do other things too: how long an example takes says nothing."""

from hypothesis import HealthCheck, settings

settings.register_profile("coppice", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("coppice")
