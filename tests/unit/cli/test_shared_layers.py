"""Layers are unpacked once, and named to every function that has them."""

import io
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cli.local.shared_layers import unpacked, with_shared_layers


def packed(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("python/greeting.py", text)
    return content.getvalue()


def test_the_same_layer_is_one_folder_however_many_ask_at_once(tmp_path: Path) -> None:
    content = packed("hello = 1")
    with ThreadPoolExecutor(8) as threads:
        (folder,) = set(threads.map(lambda _: unpacked(content, tmp_path), range(16)))
    assert (folder / "python" / "greeting.py").read_text() == "hello = 1"
    assert list(tmp_path.iterdir()) == [folder]


def test_another_layer_is_another_folder(tmp_path: Path) -> None:
    assert unpacked(packed("one = 1"), tmp_path) != unpacked(packed("two = 2"), tmp_path)


def test_a_function_is_told_where_its_layers_are_and_keeps_its_own_variables(tmp_path: Path) -> None:
    layers = {"first": packed("one = 1"), "second": packed("two = 2"), "empty": None}
    config = {"Layers": list(layers), "Environment": {"Variables": {"MINE": "1"}}, "Timeout": 3}
    told = with_shared_layers(config, layers.get, tmp_path)
    folders = told["Environment"]["Variables"].pop("_LAMBDA_LAYERS_DIRS").split(os.pathsep)
    assert [next((Path(folder) / "python").iterdir()).read_text() for folder in folders] == ["one = 1", "two = 2"]
    assert told == {"Layers": [], "Environment": {"Variables": {"MINE": "1"}}, "Timeout": 3}
    assert config["Layers"] == list(layers)


def test_a_function_without_layers_is_told_of_none(tmp_path: Path) -> None:
    assert with_shared_layers({}, dict.get, tmp_path) == {"Layers": [], "Environment": {"Variables": {}}}  # type: ignore[arg-type]
