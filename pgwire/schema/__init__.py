"""What a schema consists of, and how two of them differ: in words, what loses data first."""
