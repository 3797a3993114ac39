"""GitHub: the adapter of the `GitHub` port over PyGithub, and the verifier of jobs' tokens."""
