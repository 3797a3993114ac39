"""The process tree of `serve`: what runs, and what is started again when it dies."""
