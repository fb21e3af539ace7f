"""What JAX is told once, before its first array: 64-bit types, and where compiled programs are kept."""

from __future__ import annotations

import jax

from .config import cache_folder, is_cache_chosen_by_jax


def configure() -> None:
    """Sets JAX's options; cheap, and without effect on a backend that already started."""
    jax.config.update("jax_enable_x64", True)
    folder = None if is_cache_chosen_by_jax() else cache_folder()
    if folder is not None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
