"""JSON objects as GitHub writes them, complete enough for its published schemas."""
