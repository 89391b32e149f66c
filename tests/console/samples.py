"""Constructed snapshots: the states that the console must tell apart, the same on every run."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from console.model import Picture
from console.stopper import StopOrder
from warden.domain.intents import Decision, Outcome
from warden.domain.modes import Mode
from warden.domain.money import Wei
from warden.domain.roles import PROCESSES, Role
from warden.domain.stops import Stop
from warden.operator.link import Heard, Snapshot, Status
from warden.runtime.latch import LatchState
from warden.wire.messages import Head
from warden.wire.telemetry import (
    AlertLine,
    CapitalLine,
    DecisionLine,
    EndpointLine,
    Event,
    ExecutorStatus,
    GatewayStatus,
    NotifierStatus,
    ProcessLine,
    Severity,
    TradeLine,
    WatchdogStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.operator.picture import SystemView

MS = 1_000_000
NOW_NS = 3_600_000 * MS
WALLET = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
_SESSION = "5e" * 16
_MB = {"devnet": 92.1, "gateway": 48.7, "executor": 61.3, "logger": 34.9, "notifier": 41.2, "api": 44.0}


def watchdog(
    *,
    sent_ns: int = NOW_NS,
    mode: Mode = Mode.AGGRESSIVE,
    why: str = "",
    states: dict[str, tuple[str, int | None, str]] | None = None,
    disputed: str = "",
) -> WatchdogStatus:
    """Return the watchdog's word; `states` gives state, age in ms and detail of processes that differ.

    `disputed` says what endpoints differ on; empty: they agree on the wallet.
    """
    differ = states or {}
    lines = []
    for place, role in enumerate(PROCESSES):
        state, age_ms, detail = differ.get(role.value, ("ready", 40 + 20 * place, ""))
        lines.append(
            ProcessLine(
                name=role.value,
                pid=4_201 + place,
                state=state,
                age_ms=age_ms,
                progress=12_000 + place,
                pss_mb=_MB.get(role.value, 45.5),
                cpu_percent=0.4 + place * 0.3,
                detail=detail,
            )
        )
    return WatchdogStatus(
        capital=CapitalLine(
            "DISPUTED" if disputed else "AGREED",
            equity_wei=Wei(102 * 10**18),
            baseline_wei=Wei(100 * 10**18),
            loss_bps=-200,
            block=18_000,
            endpoints=("one", "two"),
            age_ms=4_000 if disputed else 300,
            detail=disputed,
        ),
        sent_ns=sent_ns,
        session=_SESSION,
        environment="devnet",
        mode=int(mode),
        why=why,
        stops=(),
        stop_dir="",
        processes=tuple(lines),
        heads=(Head(journal="watchdog", rows=118, hash="aa" * 32),),
    )


def executor(
    *, sent_ns: int = NOW_NS, mode: Mode = Mode.AGGRESSIVE, gate: str = "", exposure_percent: int = 18
) -> ExecutorStatus:
    """Return the executor's book: three trades, one of them reverted, and two refusals."""
    capital = 100 * 10**18
    trades = (
        _trade("07:31:58", "mined", 0x9A, 12_431 * 10**12, ""),
        _trade("07:31:44", "reverted", 0x5B, -312 * 10**12, "INSUFFICIENT_OUTPUT_AMOUNT"),
        _trade("07:31:20", "final", 0xC3, 8_044 * 10**12, ""),
    )
    return ExecutorStatus(
        sent_ns=sent_ns,
        session=_SESSION,
        wallet=WALLET,
        gate=gate,
        mode=int(mode),
        exposure_wei=Wei(capital * exposure_percent // 100),
        exposure_limit_bps=5_000,
        capital_wei=Wei(capital),
        gas_balance_wei=Wei(2 * 10**18),
        trades=42,
        wins=39,
        net_wei=Wei(312_431 * 10**12),
        gas_wei=Wei(9_100 * 10**12),
        price_usd="2500",
        breaker="CLOSED",
        pending=1,
        heads=(Head(journal="executor", rows=371, hash="bb" * 32),),
        recent_trades=trades,
        recent_decisions=(
            _refused("07:31:52", "limits.max_trade_percent", "20", "31.5", unit="%", count=3),
            _refused("07:31:07", "fees.max_gas_price_gwei", "200", "214.2", unit="gwei", count=1),
        ),
    )


def _trade(clock: str, state: str, byte: int, net: int, error: str) -> TradeLine:
    return TradeLine(
        time=f"2026-03-01T{clock}.120Z",
        intent_id=f"{byte:02x}" * 16,
        trace_id=f"{byte:02x}" * 16,
        strategy="TriangularArbitrage",
        state=state,
        tx_hash="0x" + f"{byte:02x}" * 32,
        block=1_042,
        net_wei=Wei(net),
        gas_wei=Wei(310 * 10**12),
        error=error,
    )


def _refused(clock: str, rule: str, limit: str, observed: str, *, unit: str, count: int) -> DecisionLine:
    return DecisionLine(
        time=f"2026-03-01T{clock}.310Z",
        strategy="TriangularArbitrage",
        decision=Decision(
            intent_id="cd" * 16,
            outcome=Outcome.REFUSED,
            rule=rule,
            limit=limit,
            observed=observed,
            unit=unit,
            setting=rule,
            message=f"{observed} {unit} is over {limit} {unit}",
        ),
        count=count,
    )


def gateway(*, sent_ns: int = NOW_NS, beta: str = "ok", head_age_ms: int = 420) -> GatewayStatus:
    """Return three endpoints, of which `beta` may differ."""
    return GatewayStatus(
        sent_ns=sent_ns,
        session=_SESSION,
        url="http://127.0.0.1:8547",
        endpoints=(
            EndpointLine("alpha", "ok", 1.8, 1_042, 0),
            EndpointLine("beta", beta, 2.4 if beta == "ok" else None, 1_042 if beta == "ok" else 1_020, 0),
            EndpointLine("gamma", "ok", 2.1, 1_042, 0),
        ),
        head=1_042,
        head_age_ms=head_age_ms,
        calls=18_212,
        failures=3,
        refused_sends=0,
    )


def notifier(*, sent_ns: int = NOW_NS, alerts: int = 1) -> NotifierStatus:
    """Return `alerts` alerts; from two on the newest is CRITICAL and some are errors."""
    worst = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO)
    recent = tuple(
        AlertLine(
            alert_id=f"{number:032x}",
            time=f"2026-03-01T07:{30 - number:02d}:11.000Z",
            severity=worst[number % 4] if alerts > 1 else Severity.WARNING,
            title="endpoint failing" if number % 2 == 0 else "trader lost",
            message="beta answers nothing: reads go to alpha and gamma"
            if number % 2 == 0
            else "no beat for 2.1 s, it was killed and starts again",
            root_cause="",
            runbook="network-failure",
            source=Role.GATEWAY if number % 2 == 0 else Role.WATCHDOG,
            count=number + 1,
        )
        for number in range(alerts)
    )
    return NotifierStatus(
        sent_ns=sent_ns, session=_SESSION, total=alerts, unacknowledged=alerts, recent=recent
    )


def snapshot(
    statuses: Iterable[Status], *, latch: LatchState | None = None, events: tuple[Event, ...] = ()
) -> Snapshot:
    """Return what a link would hand out at NOW_NS with these statuses, each as old as its `sent_ns`."""
    roles: dict[type, str] = {WatchdogStatus: Role.WATCHDOG, ExecutorStatus: Role.EXECUTOR}
    roles |= {GatewayStatus: Role.GATEWAY, NotifierStatus: Role.NOTIFIER}
    heard: dict[str, Heard] = {
        roles[type(each)]: Heard(status=each, as_of_ns=each.sent_ns) for each in statuses
    }
    return Snapshot(
        heard=MappingProxyType(heard),
        events=events,
        latch=latch or LatchState(),
        stopped_since_ns=NOW_NS - 500 * MS if latch is not None and latch.stopped else None,
        environment="devnet",
        one_user=True,
    )


def normal() -> Snapshot:
    """Trading, all well."""
    return snapshot((watchdog(), executor(), gateway(), notifier()))


STOP = Stop(
    stop_id="stop-5a1c0e",
    reason="MANUAL",
    message="pressed on the console",
    operator="ada",
    policy="cancel",
    time="2026-03-01T07:32:01.007Z",
)


def stopped() -> Snapshot:
    """An operator's stop stands and the gate is closed."""
    return snapshot(
        (
            watchdog(mode=Mode.OBSERVE_ONLY, why="a stop stands"),
            executor(gate="a stop stands", mode=Mode.OBSERVE_ONLY, exposure_percent=0),
            gateway(),
            notifier(alerts=3),
        ),
        latch=LatchState(stops=(STOP,)),
    )


def stale() -> Snapshot:
    """The watchdog lives; the executor has been silent for 12 s and the gateway for 30 s."""
    return snapshot(
        (
            watchdog(
                mode=Mode.OBSERVE_ONLY,
                why="executor lost: no beat for 12 s",
                states={"executor": ("hung", 12_000, "no beat"), "gateway": ("hung", 30_000, "no beat")},
            ),
            executor(sent_ns=NOW_NS - 12_000 * MS),
            gateway(sent_ns=NOW_NS - 30_000 * MS),
            notifier(),
        )
    )


def unknown() -> Snapshot:
    """The watchdog has been silent for 40 s; everything else goes on."""
    return snapshot((watchdog(sent_ns=NOW_NS - 40_000 * MS), executor(), gateway(), notifier()))


def nothing() -> Snapshot:
    """Nothing was heard yet."""
    return snapshot(())


def alarmed() -> Snapshot:
    """Reducing: an endpoint fails, the trader was lost, exposure is near its limit, alerts pile up."""
    busy = executor(mode=Mode.REDUCE_ONLY, exposure_percent=47)
    return snapshot(
        (
            watchdog(
                mode=Mode.REDUCE_ONLY,
                why="trader lost while positions are open",
                states={"trader": ("lost", None, "killed: no beat for 2.1 s"), "api": ("degraded", 90, "")},
                disputed="block 18001, eth_getBalance: alpha says 7, beta says 70",
            ),
            msgspec.structs.replace(busy, breaker="HALF_OPEN", net_wei=Wei(-84_200 * 10**12)),
            gateway(beta="failing"),
            notifier(alerts=9),
        )
    )


def picture(view: SystemView) -> Picture:
    """Return what is on the screen of a console that has stopped nothing itself."""
    return Picture(
        view=view,
        word=view.word,
        why=view.why,
        order=StopOrder(),
        wall="07:32:00",
        tick=1,
        readonly=False,
        home="/home/ada/warden",
        stop_dir="/home/ada/warden/stop",
    )
