"""What every server of mien is made of: the guard against other web pages, links, errors, pictures.

Loopback is not a boundary: any page in the user's browser can send requests to it. Knows nothing of
projects or pages; `mien serve` and the studio are both built from these parts.
"""

from mien.serve.access import Access
from mien.serve.errors import add_error_answers
from mien.serve.guard import Guard

__all__ = ["Access", "Guard", "add_error_answers"]
