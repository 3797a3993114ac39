"""The command line against a service elsewhere, over its API."""
