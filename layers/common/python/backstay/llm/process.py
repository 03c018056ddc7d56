"""What a process keeps for all of its calls, made on first use."""

import functools
import os
import threading

from backstay import config
from backstay.llm.answer_table import AnswerTable
from backstay.llm.api_keys import ApiKeys
from backstay.llm.cache import AnswerCache
from backstay.llm.guards import Guards
from backstay.llm.routes import Switchboard
from backstay.settings import Environment


def switchboard() -> Switchboard:
    """This process's, from its backstay.toml."""
    with _first_use:
        return _switchboard()


def answer_cache() -> AnswerCache:
    """This process's, over the cache table of its stage."""
    with _first_use:
        return _answer_cache()


def guards() -> Guards | None:
    """This process's, over the guards table of its stage; None outside a stage, where nobody shares any."""
    with _first_use:
        return _guards()


def forget_switchboard() -> None:
    """Drop clients, keys, configuration, guards and recent answers, so that the next call reads them anew."""
    config.load.cache_clear()
    _switchboard.cache_clear()
    _answer_cache.cache_clear()
    _guards.cache_clear()


@functools.cache
def _switchboard() -> Switchboard:
    return Switchboard(config.load(), ApiKeys())


@functools.cache
def _answer_cache() -> AnswerCache:
    return AnswerCache(AnswerTable(Environment.read().cache_table))


@functools.cache
def _guards() -> Guards | None:
    table = os.environ.get("BACKSTAY_GUARDS_TABLE")
    return Guards(config.load(), table) if table else None


_first_use = threading.Lock()  # ten jobs that start together share one
