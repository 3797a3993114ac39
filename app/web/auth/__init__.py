"""How people get in, and stay in: sessions, forms that only our pages can send, log-in, set-up."""
