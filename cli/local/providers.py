"""The backstay.toml that the embedded cloud deploys: the repository's, with its providers pointed elsewhere."""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.problems import ExitCode, Problem

PROVIDER_VARIABLE = "BACKSTAY_DEMO_PROVIDER"
_KEY_VARIABLES = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY", "compatible": "OPENAI_API_KEY"}
_MODELS = {"anthropic": "claude-haiku-5-5", "openai": "gpt-5-mini"}
_LOCAL_KEY = "answered-by-the-model-server"


@dataclass(frozen=True, slots=True)
class RealProvider:
    """A provider that the demo may spend money at, because somebody said so."""

    kind: str
    key: str
    model: str
    base_url: str | None

    @property
    def route(self) -> str:
        """Provider and model, as in backstay.toml's routes."""
        return f"{self.kind}/{self.model}"

    @classmethod
    def from_environment(cls, source: Mapping[str, str] = os.environ) -> "RealProvider | None":
        """What BACKSTAY_DEMO_PROVIDER asks for; None when it isn't set, whatever keys the environment holds.

        Raises:
            Problem: the variable names no provider, or the key, address or model that it needs is missing.
        """
        kind = source.get(PROVIDER_VARIABLE, "")
        if not kind:
            return None
        if kind not in _KEY_VARIABLES:
            known = ", ".join(_KEY_VARIABLES)
            raise Problem(f"{PROVIDER_VARIABLE}={kind} is not a provider", f"use one of {known}", ExitCode.USAGE)
        needed = [_KEY_VARIABLES[kind]] + (["OPENAI_BASE_URL", "OPENAI_MODEL"] if kind == "compatible" else [])
        if missing := [name for name in needed if not source.get(name)]:
            names = ", ".join(missing)
            raise Problem(f"{PROVIDER_VARIABLE}={kind} needs {names}", f"set {names}", ExitCode.USAGE)
        if kind == "compatible":
            return cls(kind, source["OPENAI_API_KEY"], source["OPENAI_MODEL"], source["OPENAI_BASE_URL"])
        return cls(kind, source[_KEY_VARIABLES[kind]], _MODELS[kind], None)


@dataclass(frozen=True, slots=True)
class Providers:
    """What the embedded cloud's functions get to know of providers: a config file, and secrets by name."""

    config: str
    """Text of a backstay.toml."""
    secrets: Mapping[str, str]
    """Name in Secrets Manager without the stage's prefix → value."""

    @classmethod
    def on_model_server(cls, base: Path, llm_url: str, *, allow_private: tuple[str, ...] = ()) -> "Providers":
        """Every provider of the base file answered by the model server on this machine."""
        document = _read(base)
        addresses = {"anthropic": f"{llm_url}/anthropic"}
        for provider in document["providers"].values():
            provider["base_url"] = addresses.get(provider["kind"], f"{llm_url}/v1")
        secrets = {provider["secret"]: _LOCAL_KEY for provider in document["providers"].values()}
        _allow(document, allow_private)
        return cls(dump_toml(document), secrets)

    @classmethod
    def at_real_provider(cls, base: Path, real: RealProvider, *, allow_private: tuple[str, ...] = ()) -> "Providers":
        """Only the provider that somebody asked for, and only its model."""
        document = _read(base)
        provider = {"kind": real.kind, "secret": real.kind} | ({"base_url": real.base_url} if real.base_url else {})
        document["providers"] = {real.kind: provider}
        document["routes"] = {"default": [real.route]}
        _allow(document, allow_private)
        return cls(dump_toml(document), {real.kind: real.key})


def _read(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise Problem(f"{path} is missing", "restore it: git checkout backstay.toml") from None
    except tomllib.TOMLDecodeError as error:
        raise Problem(f"{path} is not valid TOML: {error}", "mend the line that it names", ExitCode.USAGE) from error
    document.setdefault("providers", {})
    return document


def _allow(document: dict[str, Any], addresses: tuple[str, ...]) -> None:
    outbound = document.setdefault("outbound", {})
    outbound["allow_private"] = [*outbound.get("allow_private", []), *addresses]


def dump_toml(document: Mapping[str, Any]) -> str:
    """TOML of tables, strings, numbers, booleans and lists of them; the standard library only reads it."""
    return "\n".join(_table(document, ())) + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"[{'.'.join(json.dumps(part) for part in path)}]"] if path and (plain or not table) else []
    lines += [f"{json.dumps(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _table(value, (*path, key))
    return lines


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value)  # TOML's basic strings escape as JSON's do
        case int() | float():
            return repr(value)
        case list():
            return f"[{', '.join(_value(entry) for entry in value)}]"
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(key)} = {_value(entry)}" for key, entry in value.items()) + "}"
        case _:
            raise TypeError(f"{type(value).__name__} has no place in backstay.toml")
