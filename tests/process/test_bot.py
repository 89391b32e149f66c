"""A bot of another make on a running system: web3.py sends through the gateway; every rule holds (EX12)."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from web3 import Web3
from web3.exceptions import Web3RPCError

from tests.chain.uniswap import encoded
from tests.instance import REPOSITORY, Instance
from tests.process.market import Node
from tests.process.system import System
from tests.process.test_invariants import rows
from warden.cli.hand_trade import hand_trade as by_hand
from warden.domain.errors import EXIT_DONE, EXIT_REFUSED, ConfigurationInvalid, RefusedForSafety
from warden.domain.intents import TradeState
from warden.domain.modes import Environment, Mode
from warden.domain.roles import Role
from warden.domain.stops import CleanUp
from warden.operator.stopping import order_stop
from warden.runtime import settings_load
from warden.runtime.venue import served_url
from warden.wire.rows import DecisionRow, OutcomeRow, SignedRow
from warden.wire.telemetry import ExecutorStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(600)

ETHER = 10**18
STRANGER = "0x000000000000000000000000000000000000bEEF"
# Code of the venue's router is put there, so that it is a contract that works and that nobody knows.
UNKNOWN = Web3.to_checksum_address("0x00000000000000000000000000000000000a0b0c")
# A strategy that proposes nothing: what is traded is the bot's.
QUIET_TOML = f"""
environment = "devnet"
[gateway]
port = 0
[api]
port = 0
[chain]
block_time_s = 0.5
[strategy]
use = "idle:Idle"
path = "{REPOSITORY / "tests" / "strategies"}"
[devnet]
noise = false
[limits]
max_trade_eth = "1"
max_trade_usd = "none"
max_exposure_usd = "none"
[breaker]
losing_trades = 1000
[bot]
spenders = ["{UNKNOWN}"]
"""


class Desk:
    """A system that trades, and a plain web3.py client of its gateway."""

    def __init__(self, system: System) -> None:
        self.system = system
        url = served_url(system.places, Role.GATEWAY)
        self.web3 = Web3(Web3.HTTPProvider(f"{url}/bot", request_kwargs={"timeout": 60}))
        self.node = Node(system)
        self.wallet = self.web3.eth.accounts[0]
        self.router = Web3.to_checksum_address(self.node.manifest["router"])
        self.weth = Web3.to_checksum_address(self.node.manifest["weth"])

    def token(self, symbol: str) -> Any:  # noqa: ANN401 - web3's own address type
        """Return a token's address."""
        return Web3.to_checksum_address(self.node.token(symbol))

    def send(self, to: Any, data: str, **more: Any) -> str:  # noqa: ANN401 - a transaction's fields
        """Send as a bot does; its gas is given, so that nothing is estimated by the client."""
        asked: Any = {"from": self.wallet, "to": to, "data": data, "gas": 1_000_000, **more}
        return "0x" + self.web3.eth.send_transaction(asked).hex()

    def refused(self, to: Any, data: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        """Send what must be refused; return the typed decision."""
        with pytest.raises(Web3RPCError) as caught:
            self.send(to, data, **more)
        response: Any = caught.value.rpc_response
        assert response["error"]["code"] == -32004, response
        data_of: dict[str, Any] = response["error"]["data"]
        assert data_of["rule"] in response["error"]["message"]
        return data_of

    def mined(self, tx_hash: str) -> None:
        """Wait until a transaction has succeeded, and is booked."""
        receipt = self.web3.eth.wait_for_transaction_receipt(tx_hash, timeout=60)  # type: ignore[arg-type] # hex text is taken
        assert receipt["status"] == 1
        self.system.wait(
            lambda each: any(isinstance(row, OutcomeRow) and row.tx_hash == tx_hash for row in rows(each)),
            "row of its outcome",
        )

    def swap(self, amount: int, least: int, *path: str, to: str = "") -> str:
        """Return calldata of the router's usual swap, to the wallet."""
        deadline = 2**40
        return encoded(
            "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)",
            amount,
            least,
            list(path),
            to or self.wallet,
            deadline,
        )


def opened(system: System) -> bool:
    """Tell whether the gate is open."""
    status = system.latest.get(ExecutorStatus)
    return status is not None and not status.gate


def holds(system: System) -> bool:
    """Tell whether a position is booked, and nothing is on its way."""
    status = system.latest[ExecutorStatus]
    return status.exposure_wei > 0 and not status.pending


def holds_nothing(system: System) -> bool:
    """Tell whether all is sold, and booked."""
    status = system.latest[ExecutorStatus]
    return status.exposure_wei == 0 and not status.pending


def settled(system: System) -> list[OutcomeRow]:
    """Return the first row of each transaction that is on the chain."""
    found: dict[str, OutcomeRow] = {}
    for row in rows(system):
        if isinstance(row, OutcomeRow) and row.state is TradeState.MINED:
            found.setdefault(row.tx_hash, row)
    return list(found.values())


def by(system: System, contract: str) -> set[str]:
    """Return the hashes of what was signed for a contract."""
    return {row.tx_hash for row in rows(system) if isinstance(row, SignedRow) and row.to == contract}


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """One system for all checks; the last one stops it."""
    with System(QUIET_TOML) as system:
        system.start_all()
        system.wait(lambda each: each.mode is Mode.AGGRESSIVE, "trading")
        system.wait(opened, "open gate")
        yield Desk(system)


def test_a_purchase_and_its_sale_are_mined_and_journalled(desk: Desk) -> None:
    """EX12, EX2: a swap that web3.py sends is decided, signed and mined; then its position is sold."""
    assert len(desk.web3.eth.accounts) == 1
    token = desk.token("USDX")
    tx_hash = desk.send(desk.router, desk.swap(ETHER // 10, 1, desk.weth, token))
    desk.mined(tx_hash)
    desk.system.wait(holds, "position")
    held = desk.node.balance(token, desk.wallet)
    assert held > 0
    signed = {row.tx_hash: row for row in rows(desk.system) if isinstance(row, SignedRow)}
    assert signed[tx_hash].strategy == "bot"
    sold = desk.send(desk.router, desk.swap(held, 1, token, desk.weth))
    desk.mined(sold)
    desk.system.wait(holds_nothing, "end of the position")
    assert desk.node.balance(token, desk.wallet) == 0


def test_limits_apply(desk: Desk) -> None:
    """EX1: a trade that is too large is refused with rule, limit, observed value and setting in the error."""
    told = desk.refused(desk.router, desk.swap(2 * ETHER, 1, desk.weth, desk.token("USDX")))
    assert told["rule"] == "limits.max_trade_eth"
    assert (told["limit"], told["observed"], told["unit"]) == ("1", "2", "ETH")
    assert told["setting"] == "limits.max_trade_eth"
    desk.system.wait(
        lambda each: any(
            isinstance(row, DecisionRow) and row.decision.rule == told["rule"] for row in rows(each)
        ),
        "row of the refusal",
    )


def test_a_swap_from_the_native_coin_is_made_from_the_wrapped_one(desk: Desk) -> None:
    """EX12: swapExactETHForTokens is read as the swap that it is: limits and books are a swap's."""
    token, before = desk.token("USDX"), desk.node.balance(desk.weth, desk.wallet)
    data = encoded(
        "swapExactETHForTokens(uint256,address[],address,uint256)", 1, [desk.weth, token], desk.wallet, 2**40
    )
    tx_hash = desk.send(desk.router, data, value=ETHER // 20)
    desk.mined(tx_hash)
    assert desk.node.balance(desk.weth, desk.wallet) == before - ETHER // 20
    held = desk.node.balance(token, desk.wallet)
    desk.system.wait(holds, "position")
    back = encoded(
        "swapExactTokensForETH(uint256,uint256,address[],address,uint256)",
        held,
        1,
        [token, desk.weth],
        desk.wallet,
        2**40,
    )
    sold = desk.send(desk.router, back)
    desk.mined(sold)
    desk.system.wait(holds_nothing, "end of the position")


def test_gifts_allowances_and_strangers_are_refused(desk: Desk) -> None:
    """EX11, EX7: what leaves for nothing, and who could take more: each refused by its own rule."""
    transfer = encoded("transfer(address,uint256)", STRANGER, ETHER // 10)
    assert desk.refused(desk.weth, transfer)["rule"] == "call.loses"
    endless = encoded("approve(address,uint256)", STRANGER, 2**256 - 1)
    told = desk.refused(desk.weth, endless)
    assert (told["rule"], told["setting"]) == ("call.spender", "bot.spenders")
    router = encoded("approve(address,uint256)", desk.router, 2**256 - 1)
    assert desk.refused(desk.weth, router)["rule"] == "call.router-allowance"
    elsewhere = desk.swap(ETHER // 10, 1, desk.weth, desk.token("USDX"), to=STRANGER)
    assert desk.refused(desk.router, elsewhere)["rule"] == "call.recipient"
    assert desk.refused(STRANGER, "0x", value=1)["rule"] == "call.native"
    assert desk.refused(desk.weth, encoded("withdraw(uint256)", 1))["rule"] == "call.native"
    assert desk.refused(desk.weth, "0x", nonce=10**6)["rule"] == "call.nonce"
    assert desk.refused(desk.router, "0x12345678")["rule"] == "simulation.reverts"
    assert desk.node.balance(desk.weth, STRANGER) == 0


def test_an_unknown_contract_is_judged_by_what_it_does(desk: Desk) -> None:
    """EX11, EX7: with an allowance that the operator named, it buys and sells, booked to the wei."""
    code = desk.node.call("eth_getCode", desk.router, "latest")
    desk.node.call("anvil_setCode", UNKNOWN, code)
    token, before = desk.token("GEM"), desk.node.balance(desk.weth, desk.wallet)
    buy = desk.swap(ETHER // 10, 1, desk.weth, token)
    assert desk.refused(UNKNOWN, buy)["rule"] == "simulation.reverts"
    endless = encoded("approve(address,uint256)", UNKNOWN, 2**256 - 1)
    assert desk.refused(desk.weth, endless)["rule"] == "call.allowance"
    desk.mined(desk.send(desk.weth, encoded("approve(address,uint256)", UNKNOWN, ETHER)))
    stolen = desk.swap(ETHER // 10, 1, desk.weth, token, to=STRANGER)
    assert desk.refused(UNKNOWN, stolen)["rule"] == "call.loses"
    tiny = desk.swap(10**9, 1, desk.weth, token)
    assert desk.refused(UNKNOWN, tiny)["rule"] == "limits.min_trade_eth"
    desk.mined(desk.send(UNKNOWN, buy))
    desk.system.wait(holds, "position")
    held = desk.node.balance(token, desk.wallet)
    status = desk.system.latest[ExecutorStatus]
    assert (held > 0, int(status.exposure_wei)) == (True, ETHER // 10)
    desk.mined(desk.send(token, encoded("approve(address,uint256)", UNKNOWN, held)))
    desk.mined(desk.send(UNKNOWN, desk.swap(held, 1, token, desk.weth)))
    desk.system.wait(holds_nothing, "end of the position")
    assert desk.node.balance(token, desk.wallet) == 0
    gained = sum(int(row.gain_wei) for row in settled(desk.system) if row.tx_hash in by(desk.system, UNKNOWN))
    assert gained == desk.node.balance(desk.weth, desk.wallet) - before


def test_a_trade_by_hand_shows_each_step(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """EX10: bought and sold again through the whole gate; what a limit refuses ends with exit code 4."""
    assert by_hand(desk.system.home, eth="0.02", path="WETH,USDX,WETH", as_json=False) == EXIT_DONE
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == ["proposal", "decision", "outcome"] * 2
    assert all("mined" in line for line in said if line.startswith("outcome"))
    desk.system.wait(holds_nothing, "end of the position")
    assert by_hand(desk.system.home, eth="5", path="WETH,USDX", as_json=True) == EXIT_REFUSED
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["result"], last["rule"]) == ("refused", "limits.max_trade_eth")


@pytest.mark.parametrize(
    ("eth", "path", "what"),
    [
        ("much", "WETH,USDX", "--eth much"),
        ("0", "WETH,USDX", "--eth 0"),
        ("1e-20", "WETH,USDX", "--eth 1e-20"),
        ("nan", "WETH,USDX", "--eth nan"),
        ("1", "WETH,NONE", "no token 'NONE'; known: WETH"),
        ("1", "USDX,WETH", "begins in WETH"),
        ("1", "WETH", "begins in WETH"),
        ("1", "WETH,USDX,GEM,WETH", "USDX,GEM"),
    ],
)
def test_a_trade_by_hand_that_means_nothing_is_one_line(desk: Desk, eth: str, path: str, what: str) -> None:
    """EX10, OP3: wrong usage, and nothing is asked of the gate."""
    with pytest.raises(ConfigurationInvalid, match=re.escape(what)):
        by_hand(desk.system.home, eth=eth, path=path, as_json=False)


def test_in_live_nobody_trades_by_hand() -> None:
    """EX10: refused in production before anything is asked."""
    with Instance() as instance:
        settings = dataclasses.replace(instance.settings, environment=Environment.LIVE)
        settings_load.freeze(settings, instance.places)
        with pytest.raises(RefusedForSafety, match="development"):
            by_hand(instance.home, eth="0.01", path="WETH,USDX", as_json=False)


def test_what_cannot_become_an_intent_is_said_at_once(desk: Desk) -> None:
    """RP7: another account, an unknown field, anything signed: an error of its own, and nothing is sent."""
    for asked in (
        {"from": STRANGER, "to": desk.weth, "data": "0x", "gas": 21_000},
        {"from": desk.wallet, "to": desk.weth, "data": "0x", "gas": 21_000, "authorizationList": []},
    ):
        answer: Any = desk.web3.provider.make_request("eth_sendTransaction", [asked])  # type: ignore[arg-type] # plain text
        assert answer["error"]["code"] == -32602
    raw: Any = desk.web3.provider.make_request("eth_sendRawTransaction", ["0x00"])  # type: ignore[arg-type] # as above
    assert raw["error"]["code"] == -32004


def test_after_a_stop_every_send_is_refused(desk: Desk) -> None:
    """I3, EX12: the stop counts for bots as for everybody."""
    order_stop(desk.system.home, message="test", operator="tester", policy=CleanUp.HOLD)
    assert (
        desk.refused(desk.router, desk.swap(ETHER // 10, 1, desk.weth, desk.token("USDX")))["rule"] == "stop"
    )
    assert desk.refused(desk.weth, encoded("approve(address,uint256)", STRANGER, 1))["rule"] == "stop"
    assert by_hand(desk.system.home, eth="0.02", path="WETH,USDX", as_json=False) == EXIT_REFUSED
