"""Mistakes stop the synthesis, and say what to do."""

from pathlib import Path

import pytest

from backstay.catalog import MisdeclaredTaskError
from backstay.settings import SettingsError
from backstay.task import TaskDeclarationError
from infra.app import build
from infra.code import MisplacedFolderError
from infra.packages import BuildError, locked_requirements
from tests.infra.conftest import HANDLER, new_app, write_task


def _build(functions: Path, **ours: str) -> None:
    build(new_app(functions=str(functions), **ours))


def test_a_task_that_uses_something_unknown(functions: Path) -> None:
    write_task(functions, "dig-holes", 'uses=("shovel",)')
    with pytest.raises(TaskDeclarationError, match=r"shovel.*choose from"):
        _build(functions)


def test_a_task_whose_routes_lead_nowhere(functions: Path) -> None:
    write_task(functions, "dig-holes", 'uses=("llm",), tiers={"high": ("moles/deep-1",)}')
    with pytest.raises(SettingsError, match=r"task 'dig-holes' holds 'moles/deep-1'.*add \[providers\.moles\]"):
        _build(functions)


def test_a_folder_that_is_named_unlike_its_task(functions: Path) -> None:
    write_task(functions, "dig-ditches")
    (functions / "dig_ditches").rename(functions / "fill_ditches")
    with pytest.raises(MisdeclaredTaskError, match="rename the folder to 'dig_ditches'"):
        _build(functions)


def test_a_handler_that_nothing_would_deploy(functions: Path) -> None:
    (functions / "dig").mkdir()
    (functions / "dig" / "handler.py").write_text(HANDLER)
    with pytest.raises(MisplacedFolderError, match=r"dig/handler\.py.*declared in task\.py"):
        _build(functions)


def test_a_function_that_is_missing(functions: Path) -> None:
    (functions / "sweep" / "handler.py").unlink()
    with pytest.raises(MisplacedFolderError, match=r"lacks sweep/handler\.py"):
        _build(functions)


def test_a_webhook_task_that_is_missing(functions: Path) -> None:
    (functions / "deliver_webhook" / "task.py").unlink()
    with pytest.raises(MisplacedFolderError, match="deliver_webhook"):
        _build(functions)


def test_a_wrong_configuration(functions: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[jobs]\nkeep_completed_dayz = 3\n")
    with pytest.raises(SettingsError, match=r"keep_completed_dayz.*did you mean 'keep_completed_days'"):
        _build(functions, config=str(wrong))


def test_a_platform_that_nobody_has(functions: Path) -> None:
    with pytest.raises(BuildError, match=r"'windows'.*'lambda' or 'host'"):
        _build(functions, layer_platform="windows")


def test_a_machine_without_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="uv, which is not on the PATH"):
        locked_requirements("layer")


def test_a_task_that_does_what_no_task_can_at_a_limit_of_money(functions: Path) -> None:
    write_task(functions, "dig-holes", 'at_budget_limit="shrug"')
    with pytest.raises(TaskDeclarationError, match=r"at_budget_limit='shrug'.*choose from \['park', 'fail'\]"):
        _build(functions)
