"""What operations ask of the outside world; adapters implement these protocols."""
