"""Layers of the emulator's Lambdas, unpacked once and shared, as on AWS.

By itself the emulator unpacks every layer, some ten thousand files, for each process that it starts.
"""

import hashlib
import io
import os
import tempfile
import threading
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_FOLDERS = "_LAMBDA_LAYERS_DIRS"
"""The variable in which the emulator tells a Lambda's process where its layers are."""
_unpacking = threading.Lock()


def with_shared_layers(config: Mapping[str, Any], zip_of: Callable[[Any], bytes | None], root: Path) -> dict[str, Any]:
    """A function's configuration with its layers unpacked, named in its environment, and no longer to be unpacked.

    Args:
        config: as the emulator keeps it.
        zip_of: gives the zipped content of what `Layers` lists; None where there is none.
        root: where they are unpacked.
    """
    zips = [packed for layer in config.get("Layers", []) if (packed := zip_of(layer))]
    folders = os.pathsep.join(str(unpacked(packed, root)) for packed in zips)
    environment = config.get("Environment", {})
    variables = environment.get("Variables", {}) | ({_FOLDERS: folders} if folders else {})
    return {**config, "Layers": [], "Environment": {**environment, "Variables": variables}}


def unpacked(packed: bytes, root: Path) -> Path:
    """The folder that holds this content; made when it is first asked for."""
    folder = root / f"layer-{hashlib.sha256(packed).hexdigest()[:24]}"
    with _unpacking:
        if not folder.exists():
            root.mkdir(parents=True, exist_ok=True)
            new = Path(tempfile.mkdtemp(prefix="unpacking-", dir=root))
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                archive.extractall(new)  # which leaves no path outside the folder
            new.rename(folder)
    return folder
