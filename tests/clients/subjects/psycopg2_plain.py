"""Psycopg 2 as it is: libpq waits in C."""

from __future__ import annotations

from ..client import Client
from .psycopg2 import connect as connect
from .psycopg2 import operate as operate

CLIENT = Client("psycopg2-binary", server="postgres", note="without the hook", blocks=True)
