"""What Coppice decides, as values and pure functions: no input or output here."""
