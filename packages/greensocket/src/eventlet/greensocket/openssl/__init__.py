"""A mirror of the package `OpenSSL` whose connections hold up only the calling green thread."""

from __future__ import annotations

from OpenSSL import crypto as crypto
from OpenSSL import version as version

from . import SSL as SSL

__all__ = ["SSL", "crypto", "version"]
