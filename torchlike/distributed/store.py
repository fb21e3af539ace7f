"""Stores: the dictionaries by which processes find each other, here of one process."""

from __future__ import annotations

from typing import Any

from ..core.errors import missing

__all__ = ["HashStore", "PrefixStore", "Store"]


class Store:
    """Keys with bytes; ``wait`` raises at once, since nobody else will set one."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def set(self, key: str, value: Any) -> None:
        self._held[key] = value.encode() if isinstance(value, str) else bytes(value)

    def get(self, key: str) -> bytes:
        self.wait([key])
        return self._held[key]

    def add(self, key: str, amount: int) -> int:
        total = int(self._held.get(key, b"0")) + amount
        self._held[key] = str(total).encode()
        return total

    def check(self, keys: list[str]) -> bool:
        return all(key in self._held for key in keys)

    def delete_key(self, key: str) -> bool:
        return self._held.pop(key, None) is not None

    def num_keys(self) -> int:
        return len(self._held)

    def wait(self, keys: list[str], timeout: Any = None) -> None:
        absent = [key for key in keys if key not in self._held]
        if absent:
            raise missing(
                f"a wait for the key {absent[0]!r} of a store", "there is one process to set it"
            )


class HashStore(Store):
    """A store in memory."""


class PrefixStore(Store):
    """Another store, with a prefix before each key."""

    def __init__(self, prefix: str, store: Store) -> None:
        super().__init__()
        self.prefix = prefix
        self.underlying_store = store

    def set(self, key: str, value: Any) -> None:
        self.underlying_store.set(f"{self.prefix}/{key}", value)

    def get(self, key: str) -> bytes:
        return self.underlying_store.get(f"{self.prefix}/{key}")

    def add(self, key: str, amount: int) -> int:
        return self.underlying_store.add(f"{self.prefix}/{key}", amount)

    def check(self, keys: list[str]) -> bool:
        return self.underlying_store.check([f"{self.prefix}/{key}" for key in keys])

    def delete_key(self, key: str) -> bool:
        return self.underlying_store.delete_key(f"{self.prefix}/{key}")

    def num_keys(self) -> int:
        return self.underlying_store.num_keys()

    def wait(self, keys: list[str], timeout: Any = None) -> None:
        self.underlying_store.wait([f"{self.prefix}/{key}" for key in keys], timeout)
