"""What is seen of a database beside a command: by the Action, and by `coppice migrate`."""
