"""The state database: what Coppice knows, and the queue's transaction."""
