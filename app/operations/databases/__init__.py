"""Databases: made, restored, ended, and kept what GitHub's live state says."""
