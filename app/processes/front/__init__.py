"""The web server's front: whole requests come in, and each kind has threads of its own."""
