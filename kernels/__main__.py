"""Compile every kernel once, into the cache, so that no station compiles on its first unit."""
