"""How a Lambda starts."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Start without garbage collection: a tenth of a start would go into looking through what is all kept.

    What was made by then is exempt from later collections too.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
