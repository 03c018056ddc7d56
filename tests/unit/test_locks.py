"""What is installed is what was locked: every file of every package has its hash."""

import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE_LOCKS = [ROOT, ROOT / "tests" / "browser", ROOT / "tests" / "tokens"]


def test_every_python_package_comes_from_a_registry_with_hashes_or_is_this_one() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    assert len(packages) > 100
    for package in packages:
        if package["name"] == "backstay":
            continue
        assert list(package["source"]) == ["registry"], package["name"]
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        assert files, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]


@pytest.mark.parametrize("folder", NODE_LOCKS, ids=lambda path: path.name)
def test_every_node_package_has_its_hash(folder: Path) -> None:
    packages = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    bare = [
        name for name, package in packages.items() if name and not package.get("integrity", "").startswith("sha512-")
    ]
    assert bare == []
