"""Finds the strategy that the configuration names; every way to get it wrong is one clear line."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from typing import TYPE_CHECKING, Final

from warden.domain.errors import ConfigurationInvalid
from warden.strategies.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

NAME_CHARACTERS_MAX: Final = 80
# sys.exit in a strategy's file must not end the process without a word.
_RAISED = (Exception, SystemExit)


def load_strategy(use: str, path: Path | None, parameters: Mapping[str, str | int | bool]) -> Strategy:
    """Return the strategy, constructed.

    Args:
        use: `module:Class`.
        path: a directory to look for the module in first; None for what is installed.
        parameters: handed to the class by keyword.

    Raises:
        ConfigurationInvalid: one line with the setting, what is wrong with it, and the mend.
    """
    module_name, colon, class_name = use.partition(":")
    if not colon or not class_name.isidentifier() or not _is_module_name(module_name):
        raise ConfigurationInvalid(f'strategy.use {use!r}: write it as "module:Class"')
    module = _module(module_name, path)
    found = getattr(module, class_name, None)
    if found is None:
        raise ConfigurationInvalid(
            f"strategy.use: {module_name} has no class {class_name}; it has {_strategies_in(module)}"
        )
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise ConfigurationInvalid(
            f"strategy.use: {use} is not a strategy: derive it from warden.strategies.Strategy"
        )
    missing = sorted(found.__abstractmethods__)
    if missing:
        raise ConfigurationInvalid(f"strategy.use: {use} does not define {', '.join(missing)}")
    return _constructed(use, found, parameters)


def _is_module_name(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _module(name: str, path: Path | None) -> ModuleType:
    if path is not None:
        if not path.is_dir():
            raise ConfigurationInvalid(f"strategy.path {path}: no such directory")
        sys.path.insert(0, str(path.resolve()))
        importlib.invalidate_caches()
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            where = f"in {path}" if path is not None else "among what is installed; set strategy.path"
            raise ConfigurationInvalid(f"strategy.use: there is no module {name} {where}") from error
        raise ConfigurationInvalid(
            f"strategy.use: {name} imports {error.name}, which is not installed"
        ) from error
    except SyntaxError as error:
        place = f"{error.filename}:{error.lineno}"
        raise ConfigurationInvalid(f"strategy.use: {place}: {error.msg}") from error
    except _RAISED as error:
        raise ConfigurationInvalid(
            f"strategy.use: importing {name} raised {_said(error)} at {raised_at(error, name)}"
        ) from error
    _refuse_shadowed(module, name, path)
    return module


def _refuse_shadowed(module: ModuleType, name: str, path: Path | None) -> None:
    """A file called like a module that is loaded already is never read: say so instead."""
    if path is None:
        return
    own = path.resolve() / f"{name.replace('.', '/')}.py"
    file = getattr(module, "__file__", None)
    if own.is_file() and (file is None or not own.samefile(file)):
        raise ConfigurationInvalid(
            f"strategy.use: {own} is hidden by another module called {name}: rename it"
        )


def _constructed(use: str, kind: type[Strategy], parameters: Mapping[str, str | int | bool]) -> Strategy:
    try:
        signature = inspect.signature(kind)
    except (TypeError, ValueError) as error:
        raise ConfigurationInvalid(f"strategy.use: {use} cannot be constructed: {error}") from error
    try:
        signature.bind(**parameters)
    except TypeError as error:
        takes = ", ".join(signature.parameters) or "none"
        raise ConfigurationInvalid(f"strategy.parameters: {use}: {error}; its parameters: {takes}") from error
    try:
        strategy = kind(**parameters)
        named = isinstance(strategy.name, str) and 0 < len(strategy.name) <= NAME_CHARACTERS_MAX
    except _RAISED as error:
        raise ConfigurationInvalid(
            f"strategy.parameters: {use} refused them: {_said(error)} at {raised_at(error, kind.__module__)}"
        ) from error
    if not named:
        raise ConfigurationInvalid(
            f"strategy.use: {use}: its name must be text of at most {NAME_CHARACTERS_MAX} characters"
        )
    return strategy


def _strategies_in(module: ModuleType) -> str:
    names = sorted(
        name
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, Strategy) and each is not Strategy
    )
    return ", ".join(names) or "no strategy at all"


def _said(error: BaseException) -> str:
    """Return the error's kind and the first line of its text; at start-up no secret can be in it."""
    text = str(error).strip().partition("\n")[0][:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def raised_at(error: BaseException, module: str) -> str:
    """Return `file:line` where an error arose: the innermost line of `module` if one took part, else of all.

    No values: an error's text may hold what should not be written down.
    """
    stack = traceback.extract_tb(error.__traceback__)
    file = getattr(sys.modules.get(module), "__file__", None)
    own = [frame for frame in stack if frame.filename == file]
    for frame in reversed(own or stack):
        return f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
    return "an unknown place"
