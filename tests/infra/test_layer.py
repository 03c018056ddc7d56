"""Layers: the right files for the right machine, and no second build of the same."""

import importlib.util
from pathlib import Path

import pytest

from infra.build import BuildDirectory, digest
from infra.layer import LayerProps, _common
from infra.packages import REPOSITORY, locked_requirements, platform_named


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> BuildDirectory:
    return BuildDirectory(tmp_path_factory.mktemp("build"))


def _layer(build: BuildDirectory, platform: str, config: Path = REPOSITORY / "backstay.toml") -> Path:
    return _common(locked_requirements("layer"), LayerProps(config, '{"sagas":[]}', platform_named(platform), build))


def test_a_layer_for_lambda_holds_arm64_binaries_whatever_this_machine_is(build: BuildDirectory) -> None:
    binaries = {file.name for file in _layer(build, "lambda").rglob("*.so")}
    assert binaries
    assert all("cpython-314-aarch64-linux-gnu" in name for name in binaries)


def test_the_layer_carries_backstay_and_the_configuration_that_is_deployed(
    build: BuildDirectory, tmp_path: Path
) -> None:
    chosen = tmp_path / "chosen.toml"
    chosen.write_text("[jobs]\nkeep_completed_days = 3\n")
    ours = _layer(build, "host", chosen) / "python" / "backstay"
    assert (ours / "backstay.toml").read_text() == chosen.read_text()
    assert (ours / "sagas.json").read_text() == '{"sagas":[]}'
    assert (ours / "jobs" / "entry.py").exists()


def test_bytecode_is_never_checked_against_its_source(build: BuildDirectory) -> None:
    ours = _layer(build, "host") / "python" / "backstay" / "task.py"
    header = Path(importlib.util.cache_from_source(str(ours))).read_bytes()[:8]
    assert int.from_bytes(header[4:], "little") == 0b01  # hash-based, unchecked


def test_the_runtime_brings_boto_so_that_no_layer_does() -> None:
    both = {*locked_requirements("layer"), *locked_requirements("layer-llm")}
    assert not {"boto3", "botocore"} & both


def test_what_was_built_once_is_not_built_again(tmp_path: Path) -> None:
    built = []

    def build_it(target: Path) -> None:
        target.mkdir()
        built.append(target)

    directory = BuildDirectory(tmp_path / "build")
    assert directory.get("layer", "a" * 64, build_it) == directory.get("layer", "a" * 64, build_it)
    directory.get("layer", "b" * 64, build_it)
    assert len(built) == 2


def test_a_build_that_fails_leaves_nothing_that_looks_built(tmp_path: Path) -> None:
    directory = BuildDirectory(tmp_path / "build")

    def fail(target: Path) -> None:
        target.mkdir()
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk"):
        directory.get("layer", "a" * 64, fail)
    assert list((tmp_path / "build").iterdir()) == []


def test_what_running_leaves_behind_changes_no_digest(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text("x = 1\n")
    before = digest(folders=[tmp_path])
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "task.cpython-311.pyc").write_bytes(b"x")
    assert digest(folders=[tmp_path]) == before
    (tmp_path / "task.py").write_text("x = 2\n")
    assert digest(folders=[tmp_path]) != before
