"""The talk below pull requests: commands, their answers, and the comment about the databases."""
