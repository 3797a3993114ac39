"""Use cases over ports: each function does one thing a person or GitHub asked for."""
