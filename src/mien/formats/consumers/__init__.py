"""The programs that other people open an export with, each library in a process of its own.

A script here imports nothing of mien: it is told a file, an array of images and where to write the
probabilities, as a stranger's program would be. `mien.formats.programs` starts ``jobs.py``, which
reads such jobs.
"""
