"""The web application: webhooks, the API, pages, health."""
