"""What tells one test's name from another where it cannot stand in full."""

from __future__ import annotations

import hashlib


def digest(name: str) -> str:
    """Returns eight characters that two names hardly ever share."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
