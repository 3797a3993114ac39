"""GitHub: its REST API, check runs, and the tokens of its Actions."""
