"""Check runs: what stands on a commit, and what its buttons do."""
