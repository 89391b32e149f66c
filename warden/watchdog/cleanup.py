"""Leave to clean up after stops: which nonces, how long, and why it ended (ES6, DESIGN: Clean-up). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warden.domain.causes import Cause
from warden.domain.roles import Role
from warden.domain.stops import CleanUp
from warden.watchdog.commands import Grant
from warden.wire.messages import CleanupPermit, ProcessState
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from warden.domain.stops import Stop
    from warden.watchdog.authority import Authority
    from warden.watchdog.leave import Terms
    from warden.watchdog.liveness import Liveness, Peer
    from warden.watchdog.outbox import Outbox
    from warden.watchdog.stops import Stops

CLEANUP_S_MAX: Final = 30
"""The overall limit of stop work (ES3)."""
FLATTEN_S_MAX: Final = 120
"""The same where positions are sold: each sale has to be mined, and may have to be tried again (ES6)."""
_HOLD_NS: Final = 1_000_000_000  # a file appears a moment before its content: so long it may still say more
_KNOWING: Final = frozenset({ProcessState.READY, ProcessState.DEGRADED})
_MILDEST_FIRST: Final = (CleanUp.HOLD, CleanUp.CANCEL, CleanUp.FLATTEN)


@dataclass(slots=True)
class _Round:
    """One clean-up; a later stop makes another, whose nonces can only be fewer.

    Attributes:
        seen_ns: when these stops were first seen together; only what was reported later counts.
        nonces: as first reported after that; None until then.
        left: those of them that are still open.
        positions: to be sold, as first reported, too; `held` are those of them that still are.
        row: of the journal; granted only once it is durable.
    """

    stop_ids: tuple[str, ...]
    seen_ns: int
    within: frozenset[int] | None
    nonces: tuple[int, ...] | None = None
    left: tuple[int, ...] = ()
    positions: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    may_sell: frozenset[str] | None = None
    policy: CleanUp = CleanUp.HOLD
    row: int = 0
    until_ns: int = 0
    over: bool = False


def mildest(stops: Iterable[Stop]) -> CleanUp:
    """Return the mildest policy of standing stops; `hold` where one is unknown or there is none."""
    policies = [_policy(stop) for stop in stops]
    return min(policies, key=_MILDEST_FIRST.index, default=CleanUp.HOLD)


class Cleanup:
    """Grants clean-up permits while stops stand that all allow it, and never beside an ordinary permit."""

    def __init__(
        self,
        authority: Authority,
        liveness: Liveness,
        stops: Stops,
        out: Outbox,
        *,
        terms: Terms,
        next_seq: Callable[[], int],
    ) -> None:
        self._authority = authority
        self._liveness = liveness
        self._stops = stops
        self._out = out
        self._terms = terms
        self._next_seq = next_seq
        self._round: _Round | None = None
        self._holding_ns: dict[str, int] = {}
        self._due_ns = 0

    @property
    def busy(self) -> bool:
        """Tell whether something of this stop may still have to be cleaned up."""
        current = self._round
        return current is not None and not current.over and mildest(self._stops.standing) is not CleanUp.HOLD

    def step(self, now_ns: int) -> None:
        """Follow the stops that stand, end what is over, and grant what is due."""
        if not self._stops.stopped:
            self._over("no stop stands any more")
            self._round = None
            self._holding_ns.clear()
            return
        self._follow(now_ns)
        if self._round is None or self._round.over or self._round.nonces is None:
            return
        self._count_left(self._round)
        if not self._round.left and not self._round.held:
            self._over("")
        elif self._held(now_ns):
            self._over("a stop that says hold stands")
        elif now_ns >= self._round.until_ns:
            limit_s = FLATTEN_S_MAX if self._round.positions else CLEANUP_S_MAX
            self._over(f"the limit of {limit_s} s is over")
        elif now_ns >= self._due_ns and self._out.synced >= self._round.row and self._may(now_ns):
            self._grant(self._round, now_ns)

    def _follow(self, now_ns: int) -> None:
        """Begin another round when other stops stand than before; take its snapshot when it is reported."""
        stop_ids = tuple(stop.stop_id for stop in self._stops.standing)
        for stop in self._stops.standing:
            if _policy(stop) is CleanUp.HOLD:
                self._holding_ns.setdefault(stop.stop_id, now_ns)
        before = self._round
        if before is not None and set(stop_ids) < set(before.stop_ids):
            before.stop_ids = stop_ids  # one was taken away by hand: nothing begins anew
        elif before is None or before.stop_ids != stop_ids:
            within = may_sell = None
            if before is not None:
                new = before.nonces is None
                within = before.within if new else frozenset(before.nonces or ())
                may_sell = before.may_sell if new else frozenset(before.positions)
            self._round = _Round(stop_ids, now_ns, within, may_sell=may_sell)
        executor = self._liveness.peers[Role.EXECUTOR]
        current = self._round
        if current is None or current.nonces is not None or not self._may(now_ns):
            return
        if executor.sent_ns > current.seen_ns:
            self._snapshot(current, executor, now_ns)

    def _snapshot(self, current: _Round, executor: Peer, now_ns: int) -> None:
        reported = executor.open_nonces
        within = current.within
        current.nonces = tuple(nonce for nonce in reported if within is None or nonce in within)
        current.left = current.nonces
        current.policy = mildest(self._stops.standing)
        if current.policy is CleanUp.FLATTEN:
            named, may = executor.position_ids, current.may_sell
            current.positions = tuple(each for each in named if may is None or each in may)
        current.held = current.positions
        limit_s = FLATTEN_S_MAX if current.positions else CLEANUP_S_MAX
        current.until_ns = now_ns + limit_s * 1_000_000_000
        if not current.nonces and not current.positions:
            current.over = True
            return
        current.row = self._out.row(
            "cleanup.granted",
            stop_ids=list(current.stop_ids),
            policy=current.policy,
            nonces=list(current.nonces),
            positions=list(current.positions),
            executor_session=executor.session,
        )
        self._out.notice(
            Severity.INFO,
            "cleanup.granted",
            f"the executor may clean up ({current.policy}) after {', '.join(current.stop_ids[:3])}: "
            f"{len(current.nonces)} nonces, {len(current.positions)} positions for {limit_s} s",
            nonces=" ".join(map(str, current.nonces)),
        )

    def _grant(self, current: _Round, now_ns: int) -> None:
        executor = self._liveness.peers[Role.EXECUTOR]
        self._due_ns = now_ns + self._terms.interval_ns
        self._out.put(
            Grant(
                executor.identity,
                CleanupPermit(
                    boot_id=self._terms.boot_id,
                    executor_session=executor.session,
                    watchdog_session=self._terms.session,
                    seq=self._next_seq(),
                    stop_ids=current.stop_ids,
                    policy=min(current.policy, mildest(self._stops.standing), key=_MILDEST_FIRST.index),
                    nonces=current.nonces or (),
                    issued_ns=now_ns,
                    expires_ns=now_ns + self._terms.life_ns,
                    positions=current.positions,
                ),
            )
        )

    def _may(self, now_ns: int) -> bool:
        """Tell whether any clean-up may be granted at this moment."""
        executor = self._liveness.peers[Role.EXECUTOR]
        return (
            not self._stops.unreadable
            and not self._stops.recovering
            and not self._held(now_ns)
            and mildest(self._stops.standing) is not CleanUp.HOLD
            and self._authority.permits(but_for=Cause.STOP)
            and executor.fresh()
            and executor.state in _KNOWING
        )

    def _held(self, now_ns: int) -> bool:
        """Tell whether a stop has said hold for good; as long as any stop stands that is not forgotten."""
        saying = {stop.stop_id for stop in self._stops.standing if _policy(stop) is CleanUp.HOLD}
        for stop_id, since_ns in list(self._holding_ns.items()):
            if now_ns - since_ns < _HOLD_NS and stop_id not in saying:
                del self._holding_ns[stop_id]
        return any(now_ns - since_ns >= _HOLD_NS for since_ns in self._holding_ns.values())

    def _count_left(self, current: _Round) -> None:
        """Take what the executor says is still open; one that only starts does not know yet."""
        executor = self._liveness.peers[Role.EXECUTOR]
        if executor.fresh() and executor.state in _KNOWING:
            still, held = set(executor.open_nonces), set(executor.position_ids)
            current.left = tuple(nonce for nonce in current.nonces or () if nonce in still)
            current.held = tuple(each for each in current.positions if each in held)

    def _over(self, why: str) -> None:
        """End the clean-up that runs, if one does; an empty `why` means that nothing is left."""
        current = self._round
        if current is None or current.over or current.nonces is None:
            return
        current.over = True
        left, held = current.left, current.held
        self._out.row(
            "cleanup.ended",
            stop_ids=list(current.stop_ids),
            why=why or "nothing is open",
            left=list(left),
            held=list(held),
        )
        text = f"cleaned up after {', '.join(current.stop_ids[:3])}: nothing is open any more"
        if left or held:
            text = f"clean-up ended, {why}: {len(left)} transactions may still land"
            text += f", {len(held)} positions are still held" if held else ""
        self._out.notice(
            Severity.WARNING if left or held else Severity.INFO,
            "cleanup.left" if left or held else "cleanup.ended",
            text,
            "emergency-stop#what-may-still-land" if left or held else "",
            nonces=" ".join(map(str, left)),
        )


def _policy(stop: Stop) -> CleanUp:
    try:
        return CleanUp(stop.policy)
    except ValueError:
        return CleanUp.HOLD
