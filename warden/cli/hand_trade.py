"""`warden test-trade`: one small trade by hand through the whole gate, step by step; development only (EX10).

It goes the way of any bot: `eth_sendTransaction` at the gateway; what it shows is what a bot would get.
"""

from __future__ import annotations

import time
import urllib.request
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.cli.words import say
from warden.domain.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_REFUSED,
    ConfigurationInvalid,
    NotRunning,
    RefusedForSafety,
    WardenError,
)
from warden.domain.modes import Environment
from warden.domain.money import WEI_PER_ETHER
from warden.domain.roles import Role
from warden.runtime.places import places
from warden.runtime.settings import read_frozen
from warden.runtime.venue import load_venue, served_url

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.venue import Venue

_SLIPPAGE_PERCENT: Final = 2
_MINED_WITHIN_S: Final = 120.0
_BOOKED_WITHIN_S: Final = 30.0
_LOOK_S: Final = 0.25
_STEPS_MAX: Final = 4
_WORD: Final = 32
# The executor puts a deadline of its own in its place.
_NO_DEADLINE: Final = 2**40
_SWAP: Final = "0x38ed1739"  # swapExactTokensForTokens(uint256,uint256,address[],address,uint256)
_AMOUNTS_OUT: Final = "0xd06ca61f"  # getAmountsOut(uint256,address[])
_BALANCE_OF: Final = "0x70a08231"  # balanceOf(address)
_REFUSED_CODE: Final = -32004
# The trade before is on the chain, but not in the books yet.
_PASSING: Final = frozenset({"position.unknown", "pending.market", "position.leaving", "integrity.balance"})


class _Answered(WardenError):
    """The gateway answered with an error; `rule` where it is a refusal."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", error)))
        data = error.get("data")
        self.rule = str(data.get("rule", "")) if isinstance(data, dict) else ""
        self.refused = error.get("code") == _REFUSED_CODE


def hand_trade(home: Path, *, eth: str, path: str, as_json: bool) -> int:
    """Trade along the path, one step after the other; return the exit code: 4 when the gate refuses.

    Raises:
        ConfigurationInvalid: an amount or a path that means nothing here.
        RefusedForSafety: it is live, where nobody trades by hand.
        NotRunning: Warden does not run here.
    """
    where = places(home)
    settings = read_frozen(where)
    if settings.environment is Environment.LIVE:
        raise RefusedForSafety("test-trade is for development: in live nobody trades by hand")
    amount_wei = _amount(eth)
    venue, url = load_venue(settings, where), served_url(where, Role.GATEWAY)
    if venue is None or url is None:
        raise NotRunning("the gateway does not run here: start with 'warden up'")
    steps = _steps(path, venue)
    desk = _Desk(url, venue, settings.bot.wait_s + 10, as_json=as_json)
    on_chain = settings.environment is not Environment.PAPER
    for number, step in enumerate(steps):
        try:
            got = desk.trade(step, amount_wei, again=number > 0, on_chain=on_chain)
        except _Answered as error:
            desk.tell("decision", "refused" if error.refused else "none", text=str(error), rule=error.rule)
            return EXIT_REFUSED if error.refused else EXIT_FAILED
        if got is None:
            return EXIT_FAILED if on_chain else EXIT_DONE
        amount_wei = got
    return EXIT_DONE


def _amount(eth: str) -> int:
    try:
        amount = Decimal(eth) * WEI_PER_ETHER
    except InvalidOperation as error:
        raise ConfigurationInvalid(f"--eth {eth}: a number is wanted, such as 0.01") from error
    if not amount.is_finite() or amount <= 0 or amount != int(amount):
        raise ConfigurationInvalid(f"--eth {eth}: above zero, and no finer than a wei")
    return int(amount)


def _steps(path: str, venue: Venue) -> list[tuple[str, str]]:
    """Return the trades of a path as token addresses; each begins or ends in the wrapped native token."""
    known = {"WETH": venue.weth, **{each.symbol: each.address for each in venue.tokens}}
    symbols = [each.strip() for each in path.split(",")]
    for symbol in symbols:
        if symbol not in known:
            raise ConfigurationInvalid(f"--path: there is no token {symbol!r}; known: {', '.join(known)}")
    pairs = list(pairwise(symbols))
    if not 1 <= len(pairs) <= _STEPS_MAX or symbols[0] != "WETH":
        raise ConfigurationInvalid(f"--path {path}: it begins in WETH and has 2 to {_STEPS_MAX + 1} tokens")
    for one, other in pairs:
        if (one == "WETH") == (other == "WETH"):
            raise ConfigurationInvalid(f"--path: {one},{other}: each step buys with WETH, or sells for it")
    return [(known[one], known[other]) for one, other in pairs]


def _encoded(selector: str, *words: int | str) -> str:
    """Return calldata by the Solidity ABI: a selector and words, numbers or addresses."""
    texts = (f"{each:x}" if isinstance(each, int) else each.removeprefix("0x").lower() for each in words)
    return selector + "".join(text.rjust(2 * _WORD, "0") for text in texts)


class _Desk:
    """What asks the gateway, and tells each step. Nothing is asked twice by itself: a send may have left."""

    def __init__(self, url: str, venue: Venue, within_s: float, *, as_json: bool) -> None:
        self._url = f"{url}/"
        self._venue = venue
        self._within_s = within_s
        self._as_json = as_json

    def tell(self, step: str, what: str, **more: str | int) -> None:
        """Say what came of a step."""
        if self._as_json:
            say(msgspec.json.encode({"step": step, "result": what, **more}).decode())
            return
        rest = "; ".join(str(each) for name, each in more.items() if name == "text" or not more.get("text"))
        say(f"{step}: {what}" + (f" ({rest})" if rest else ""))

    def ask(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 - JSON
        """Return the result of one call, asked once.

        Raises:
            _Answered: an error.
            NotRunning: nobody answers.
        """
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310 - the gateway's own
        try:
            with urllib.request.urlopen(request, timeout=self._within_s) as response:  # noqa: S310 - as above
                answer = msgspec.json.decode(response.read())
        except (OSError, msgspec.DecodeError) as error:
            raise NotRunning(f"the gateway gave no answer to {method}: {error}") from error
        if answer.get("error") is not None:
            raise _Answered(answer["error"])
        return answer["result"]

    def trade(self, step: tuple[str, str], amount: int, *, again: bool, on_chain: bool) -> int | None:
        """Trade once; return what came of the token that is bought, None where nothing more can be done."""
        router, (sold, bought) = self._venue.router, step
        wallet = str(self.ask("eth_accounts")[0])
        quote = self._read(router, _AMOUNTS_OUT, amount, 2 * _WORD, 2, *step)
        least = quote * (100 - _SLIPPAGE_PERCENT) // 100
        self.tell("proposal", f"{amount} of {sold} for at least {least} of {bought}")
        held = self._balance(bought, wallet)
        data = _encoded(_SWAP, amount, least, 5 * _WORD, wallet, _NO_DEADLINE, 2, *step)
        tx_hash = self._send({"from": wallet, "to": router, "data": data}, again=again)
        self.tell("decision", "approved", hash=tx_hash)
        if not on_chain:
            self.tell("outcome", "computed on paper", text=f"see 'warden why {tx_hash}'")
            return None
        receipt = self._mined(tx_hash)
        if receipt is None:
            self.tell("outcome", "unknown", text=f"not mined yet: 'warden why {tx_hash}'")
            return None
        block, gas = int(receipt["blockNumber"], 16), int(receipt["gasUsed"], 16)
        if int(receipt["status"], 16) != 1:
            self.tell("outcome", "reverted", block=block, gas=gas)
            return None
        got = self._balance(bought, wallet) - held
        self.tell("outcome", "mined", text=f"block {block}, {gas} gas, {got} of {bought} came", block=block)
        return got

    def _balance(self, token: str, wallet: str) -> int:
        return self._read(token, _BALANCE_OF, wallet)

    def _read(self, to: str, selector: str, *words: int | str) -> int:
        """Return the last word that a contract answers."""
        answer = str(self.ask("eth_call", {"to": to, "data": _encoded(selector, *words)}, "latest"))
        if len(answer) < 2 + 2 * _WORD:
            raise NotRunning(f"{to} did not answer with a number")
        return int(answer[-2 * _WORD :], 16)

    def _send(self, asked: dict[str, str], *, again: bool) -> str:
        """Return the hash; a refusal that the books will lift is asked again: nothing of it was sent."""
        end_s = time.monotonic() + (_BOOKED_WITHIN_S if again else 0)
        while True:
            try:
                return str(self.ask("eth_sendTransaction", asked))
            except _Answered as error:
                if error.rule not in _PASSING or time.monotonic() > end_s:
                    raise
            time.sleep(_LOOK_S)

    def _mined(self, tx_hash: str) -> dict[str, Any] | None:
        end_s = time.monotonic() + _MINED_WITHIN_S
        while time.monotonic() < end_s:
            receipt: dict[str, Any] | None = self.ask("eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                return receipt
            time.sleep(_LOOK_S)
        return None
