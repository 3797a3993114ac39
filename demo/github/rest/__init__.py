"""The REST API: one module for each of GitHub's topics."""
