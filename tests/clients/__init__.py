"""Prove patching with clients that know nothing of it, against real servers.

`servers` has a module for each server, `subjects` one for each client; `check` is what each client
has to pass, in a process of its own (`child`), patched before it was imported and after it had
connected. ``python -m tests.clients`` runs all of it and prints a table.
"""
