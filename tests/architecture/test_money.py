"""No float touches money: wei are int, USD is Decimal (DESIGN: Money)."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from tests.architecture.source import python_files, tree, where

if TYPE_CHECKING:
    from collections.abc import Iterator

# What decides about money or shows it. The api's metrics are floats by Prometheus's own definition.
PLACES: Final = (
    "warden/domain",
    "warden/wire",
    "warden/executor",
    "warden/strategies",
    "warden/operator",
    "warden/trader",
    "warden/watchdog",
    "console",
)
MONEY: Final = re.compile(r"(^|_)(wei|usd|eth|gwei|amount)$")


def is_money(node: ast.AST) -> bool:
    """Tell whether a name, attribute or argument is an amount by its last word."""
    text = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None) or ""
    return bool(MONEY.search(text))


def is_float(node: ast.AST) -> bool:
    """Tell whether an expression is a float literal or a call of float."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"


def floats_on_money(module: ast.Module) -> Iterator[ast.AST]:
    """Yield where money is declared as float, turned into one, or reckoned with one."""
    for node in ast.walk(module):
        wrong = False
        if isinstance(node, ast.AnnAssign):
            wrong = is_money(node.target) and "float" in ast.unparse(node.annotation)
        elif isinstance(node, ast.arg):
            wrong = is_money(node) and node.annotation is not None and "float" in ast.unparse(node.annotation)
        elif isinstance(node, ast.Call):
            wrong = is_float(node) and any(is_money(each) for part in node.args for each in ast.walk(part))
        elif isinstance(node, ast.BinOp):
            wrong = (is_money(node.left) and is_float(node.right)) or (
                is_float(node.left) and is_money(node.right)
            )
            # Int over int is a float: money is divided by // or as a Decimal.
            wrong = wrong or (isinstance(node.op, ast.Div) and is_money(node.left) and is_wei(node.left))
        if wrong:
            yield node


def is_wei(node: ast.AST) -> bool:
    """Tell whether a name is an int amount, for which `/` would make a float."""
    text = getattr(node, "id", None) or getattr(node, "attr", None) or ""
    return text.endswith("wei")


def test_no_float_touches_money() -> None:
    """Amounts are neither floats nor reckoned with floats, wherever they decide or are shown."""
    offences = [where(path, node) for path in python_files(*PLACES) for node in floats_on_money(tree(path))]
    assert offences == []


def test_a_float_on_money_is_found() -> None:
    """The rule finds what it is there for, and passes over what is harmless."""
    module = ast.parse(
        "net_wei: float = 0\n"
        "def f(price_usd: float) -> None: ...\n"
        "x = float(trade.net_wei)\n"
        "y = gas_wei * 1.1\n"
        "z = gas_wei / 2\n"
        "fine = gas_wei // 2 + count * 1.5\n"
    )
    assert [getattr(node, "lineno", 0) for node in floats_on_money(module)] == [1, 3, 4, 5, 2]
