"""The offline demonstration: a small local GitHub and a sample application."""
