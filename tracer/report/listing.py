"""Lists of results that say how much was left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A list of results that says how much of it was left out."""

    items: tuple[Item, ...]
    total: int

    @property
    def truncated(self) -> bool:
        """Whether there are more than `items`."""
        return len(self.items) < self.total


def listing(items: Sequence[Item], *, top: int = 0) -> Listing[Item]:
    """Returns the first `top` items; 0 is all of them."""
    return Listing(tuple(items[:top] if top else items), len(items))
