"""What people and runners do at GitHub, as methods: each changes the state and sends its events."""
