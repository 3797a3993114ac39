"""A small GitHub on this machine: for the demonstration and the tests, and strict on purpose.

Repositories are real bare git repositories on disk. It refuses what GitHub refuses.
"""
