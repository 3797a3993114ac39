"""A proxy between a command and its database that reports what each statement locks."""
