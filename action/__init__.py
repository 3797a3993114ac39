"""The Action: runs on the user's runner, with the standard library only."""
