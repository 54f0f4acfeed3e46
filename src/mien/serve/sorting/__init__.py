"""The page of `mien sort`: one photo at a time, one key each. See `app`."""

from mien.serve.sorting.app import create_sorter

__all__ = ["create_sorter"]
