"""Starting quickly."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Import and build without looking for garbage meanwhile.

    What a Lambda makes while it starts, it keeps. Searching it for garbage again and again costs a tenth of the start,
    and is left out for it later too.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
