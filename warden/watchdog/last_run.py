"""What one run of the watchdog leaves to the next, read back from its journal's rows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from warden.domain.causes import LiftedBy
from warden.domain.money import Wei
from warden.domain.roles import Role
from warden.domain.stops import Stop
from warden.wire.codec import from_plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.runtime.journal import Row


class Frozen(msgspec.Struct, frozen=True):
    """A trader that an operator holds still."""

    session: str
    pid: int
    name: str = Role.TRADER


class Span(msgspec.Struct, frozen=True):
    """A probation.

    Attributes:
        boot_id: the boot whose CLOCK_BOOTTIME `until_ns` counts in.
        length_ns: how long it lasts from its beginning.
        percent: how much of every size limit counts meanwhile.
        until: its end in wall time, for people; nothing is decided by it.
    """

    boot_id: str
    until_ns: int
    length_ns: int
    percent: int
    until: str


class Baselines(msgspec.Struct, frozen=True):
    """What losses of capital are measured by (ES2).

    Attributes:
        baseline_wei: what the wallet held first, moved with the operator's own money; None before that.
        day: UTC day by the blocks' time, counted from 1970; `opening_wei` what the wallet held at its first
            read; `moved_wei` what the operator put in since, less what was taken out.
        told: warnings that stand.
        stop: the stop that was ordered for a loss, until an operator has recovered from it.
    """

    baseline_wei: Wei | None = None
    day: int = -1
    opening_wei: Wei | None = None
    moved_wei: Wei = Wei(0)
    told: tuple[str, ...] = ()
    stop: Stop | None = None


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What must outlive a run; the rows `ended` and `witness` hold it whole.

    Attributes:
        stop_ids: the stops that stood.
        incidents: each SECURITY_BREACH by its stop's id; True once an operator has cleared it.
        probation_owed: a stop was cleared, and nothing was armed since.
        capital: what losses are measured by.
        shutdown: the cause that had shut it down, and its words; a crash of the watchdog does not lift it.
    """

    stop_ids: tuple[str, ...] = ()
    incidents: dict[str, bool] = {}
    frozen: tuple[Frozen, ...] = ()
    probation: Span | None = None
    probation_owed: bool = False
    capital: Baselines = Baselines()
    shutdown: tuple[str, str] | None = None


class LastRun(Carried, frozen=True, kw_only=True):
    """How the run before this one ended.

    Attributes:
        clean: it ended in order, or there was none.
        trips: causes for an operator that stood when it ended in order.
        seen: of each journal that was witnessed, the last row that was seen, and its hash in hex.
    """

    clean: bool = True
    trips: tuple[str, ...] = ()
    seen: dict[str, tuple[int, str]] = {}


def from_rows(rows: Iterable[Row]) -> LastRun | None:
    """Return the last run, or None if the rows do not reach back to one that says what stood."""
    carried: Carried | None = None
    kind, body = "", {}
    seen: dict[str, tuple[int, str]] = {}
    for row in rows:
        kind, body = row.kind, msgspec.json.decode(row.body)
        if kind in {"witness", "ended"}:
            seen |= {name: (number, digest) for name, number, digest in body.get("heads", ())}
        if kind in {"ended", "witness"}:
            carried = from_plain(_of_today(body), Carried)
        elif kind == "started" and carried is None and row.row == 1:
            carried = Carried()
        elif carried is not None:
            carried = _after(carried, kind, body)
    if carried is None:
        return None
    clean = kind == "ended"
    trips = tuple(body.get("trips", ())) if clean else ()
    return LastRun(clean=clean, trips=trips, seen=seen, **{name: getattr(carried, name) for name in _CARRIED})


_CARRIED = tuple(field.name for field in msgspec.structs.fields(Carried))


def _of_today(body: dict[str, Any]) -> dict[str, Any]:
    """Return a row's body in today's form: once there was one trader, frozen or not."""
    frozen = body.get("frozen")
    if frozen is None or isinstance(frozen, dict):
        return {**body, "frozen": [] if frozen is None else [frozen]}
    return body


def _after(carried: Carried, kind: str, body: dict[str, Any]) -> Carried:
    """Return what stands after one more row."""
    change: dict[str, Any] = {}
    match kind:
        case "stop.seen":
            change["stop_ids"] = tuple(sorted({*carried.stop_ids, body["stop_id"]}))
        case "stop.cleared" | "stop.vanished":
            gone = body["stop_id"]
            change["stop_ids"] = tuple(each for each in carried.stop_ids if each != gone)
            # An incident outlives a file that was taken away by hand.
            change["incidents"] = {
                stop_id: cleared
                for stop_id, cleared in carried.incidents.items()
                if stop_id != gone or (kind == "stop.vanished" and not cleared)
            }
            change["probation_owed"] = carried.probation_owed or kind == "stop.cleared"
        case "cause.stands" if body.get("lifted_by") == LiftedBy.RESTART:
            change["shutdown"] = (body["cause"], body["detail"])
        case "incident.opened" | "incident.cleared":
            change["incidents"] = carried.incidents | {body["stop_id"]: kind == "incident.cleared"}
        case "probation.begun":
            change = {"probation": msgspec.convert(body, Span), "probation_owed": False}
        case "probation.ended":
            change["probation"] = None
        case _ if "kept" in body and kind.startswith("capital."):
            change["capital"] = from_plain(body["kept"], Baselines)
        case "freeze":
            change["frozen"] = (*carried.frozen, msgspec.convert(body, Frozen))
        case "freeze.over":
            change["frozen"] = tuple(each for each in carried.frozen if each.session != body["session"])
    return msgspec.structs.replace(carried, **change)
