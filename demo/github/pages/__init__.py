"""The few pages of GitHub's that people see on their way: making an App, installing it, log-in."""
