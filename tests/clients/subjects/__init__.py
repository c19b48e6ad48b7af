"""The clients, one module each; see `tests.clients.client`."""
