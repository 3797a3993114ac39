"""What an operator does: instances, assignments, databases by hand, and looking for trouble."""
