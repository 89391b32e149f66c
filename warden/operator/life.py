"""The life of one trade as the executor's journal tells it, with the executor alive or dead (OP1a).

What belongs together has one trace id: the intent and its decision, its approval and its cancel.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.intents import Outcome
from warden.domain.money import WEI_PER_GWEI, format_ether
from warden.domain.risk.thresholds import exact_ether
from warden.runtime.journal_search import containing
from warden.wire.codec import Undecodable, from_json
from warden.wire.rows import DecisionRow, ExecutorRow, LegRow, OutcomeRow, RiskRow, SignedRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from warden.domain.intents import Decision, Proposal
    from warden.runtime.chain import Row

DIGITS_MIN: Final = 6
STEPS_MAX: Final = 200
_LIVES_MAX: Final = 50
_ID: Final = re.compile(r"(?:0x)?[0-9a-f]{6,64}")
_WHOLE: Final = {32, 66}
_HASH_DIGITS: Final = 64
# A decision's row stands before its transaction's; equal refusals are folded within a minute.
_ROWS_BEFORE: Final = 20_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _tag(row: type[msgspec.Struct]) -> str:
    return str(row.__struct_config__.tag)


_NAMING: Final = (_tag(SignedRow), _tag(DecisionRow))
_ALL: Final = (*_NAMING, _tag(LegRow), _tag(OutcomeRow), _tag(RiskRow))


class Step(msgspec.Struct, frozen=True):
    """One row: its number, when it was written (UTC text), and what it says."""

    row: int
    time: str
    told: SignedRow | DecisionRow | LegRow | OutcomeRow | RiskRow


class Life(msgspec.Struct, frozen=True):
    """One trade; steps in the order in which they were written."""

    trace_id: str
    strategy: str
    intent_ids: tuple[str, ...]
    steps: tuple[Step, ...]


def asked_for(words: str) -> str:
    """Return an id as the journal has it.

    Raises:
        ConfigurationInvalid: it can be no id, or is too short to look for.
    """
    wanted = words.strip().lower()
    if not _ID.fullmatch(wanted):
        raise ConfigurationInvalid(
            f"{words[:80]!a} can be no intent's or trace's id (32 hex digits) and no transaction's hash "
            f"(0x and 64 hex digits); of each the first {DIGITS_MIN} digits are enough"
        )
    return f"0x{wanted}" if len(wanted) == _HASH_DIGITS and not wanted.startswith("0x") else wanted


def find(path: Path, wanted: str) -> tuple[Life, ...]:
    """Return the trade that an id, or the beginning of one, belongs to; nothing when no row names it.

    Of the journal's newest 500,000 rows; a whole id that several trades share returns all of them.

    Args:
        path: the executor's journal.
        wanted: as `asked_for` returns it.

    Raises:
        ConfigurationInvalid: the beginning is that of several ids.
        JournalBroken: the journal cannot be read.
    """
    hits = containing(path, [b'"' + wanted.encode()], _NAMING, found_max=_LIVES_MAX * STEPS_MAX)
    traces: dict[str, int] = {}
    named: set[str] = set()
    for hit, told in _decoded(hits):
        whole = next((each for each in _ids(told) if each.startswith(wanted)), None)
        if whole is not None:
            traces[told.trace_id] = hit.row
            named.add(told.trace_id)
    if len(traces) > 1 and len(wanted) not in _WHOLE:
        some = ", ".join(sorted(named)[:5])
        raise ConfigurationInvalid(
            f"{wanted} is the beginning of {len(named)} trades' ids: give more digits; traces {some}"
        )
    return tuple(_life(path, trace, row) for trace, row in list(traces.items())[:_LIVES_MAX])


def _life(path: Path, trace_id: str, known_row: int) -> Life:
    after = max(0, known_row - _ROWS_BEFORE)
    naming = containing(path, [_quoted(trace_id)], _NAMING, found_max=STEPS_MAX, after=after)
    told = [each for _, each in _decoded(naming) if each.trace_id == trace_id]
    needles = {each.tx_hash: None for each in told if isinstance(each, SignedRow)}
    intents = {_intent(each): None for each in reversed(told)}
    needles |= intents
    rows = {each.row: each for each in naming}
    more = containing(path, [*map(_quoted, needles)], _ALL, found_max=STEPS_MAX, after=after)
    rows |= {each.row: each for each in more}
    steps = [
        Step(row=row.row, time=_time(row.time_ns), told=each)
        for row, each in _decoded(rows[number] for number in sorted(rows))
        if not isinstance(each, SignedRow | DecisionRow) or each.trace_id == trace_id
    ]
    strategy = next((each.strategy for each in told if each.strategy), "")
    return Life(
        trace_id=trace_id, strategy=strategy, intent_ids=tuple(intents), steps=tuple(steps[:STEPS_MAX])
    )


def last_refusals(path: Path, limit: int = 20) -> list[tuple[str, DecisionRow]]:
    """Return the newest journalled refusals with their time, newest first.

    Raises:
        JournalBroken: the journal cannot be read.
    """
    hits = containing(path, [b'"decision"'], (_tag(DecisionRow),), found_max=limit)
    return [(_time(row.time_ns), each) for row, each in _decoded(hits) if isinstance(each, DecisionRow)]


def text_of(life: Life) -> Iterator[str]:
    """Yield a trade's life as lines, a step each, with every figure in full."""
    yield f"trade of {life.strategy or 'an unknown strategy'}: trace {life.trace_id}"
    for intent in life.intent_ids:
        yield f"intent {intent}"
    for step in life.steps:
        yield f"{step.time} {''.join(_words(step.told))}"


def _words(told: object) -> Iterator[str]:
    if isinstance(told, DecisionRow):
        yield decision_text(told.decision)
        if told.count > 1:
            yield f" ({told.count} like it since the row before)"
        yield f"; {_would(told.proposal)}" if told.proposal is not None else ""
    elif isinstance(told, SignedRow):
        yield f"signed {told.purpose} {told.tx_hash}: nonce {told.nonce}, "
        yield f"spends {exact_ether(told.spend_wei)} ETH at most, "
        yield f"{told.gas} gas at {_gwei(told.max_fee_wei)} gwei at most, route {told.route}"
        yield f", instead of {told.replaces}" if told.replaces else ""
    elif isinstance(told, LegRow):
        yield f"sent to {told.endpoint}: {told.result}"
        yield f", {told.text}" if told.text else ""
    elif isinstance(told, OutcomeRow):
        yield told.state
        yield f" in block {told.block}" if told.block else ""
        yield f", {told.tx_hash}"
        if told.gas_wei or told.gain_wei:
            yield f": sold {exact_ether(told.sold_wei)} ETH, bought {exact_ether(told.bought_wei)} ETH, "
            yield f"gas {exact_ether(told.gas_wei)} ETH, net {_signed(told.gain_wei - told.gas_wei)} ETH"
        yield f", {told.error}" if told.error else ""
    elif isinstance(told, RiskRow):
        yield f"counted by the risk rules: {told.event.__struct_config__.tag}"


def _would(proposal: Proposal) -> str:
    """Return what a proposal would have done, amounts in the tokens' smallest units."""
    if proposal.call is not None:
        call = proposal.call
        return f"would have called {call.to}, selector 0x{call.data.hex()}, with {call.value_wei} wei"
    swap = proposal.swap
    way = f" over {len(swap.path) - 2} more" if len(swap.path) > 2 else ""  # noqa: PLR2004 - first and last
    sold, bought = f"{swap.amount_in} of {swap.path[0]}", f"{swap.min_amount_out} of {swap.path[-1]}"
    return f"would have sold {sold}{way} for at least {bought}"


def decision_text(decision: Decision) -> str:
    """Return a decision as one line: rule, limit, what was observed, and the setting that would change it."""
    if decision.outcome is Outcome.APPROVED:
        return "approved"
    words = f"{decision.outcome} by {decision.rule}: {decision.message}"
    figures = [
        f"{name} {value} {decision.unit}".strip()
        for name, value in (("limit", decision.limit), ("observed", decision.observed))
        if value
    ]
    figures += [f"setting {decision.setting}"] if decision.setting else []
    return f"{words}; {', '.join(figures)}" if figures else words


def life_json(life: Life) -> dict[str, Any]:
    """Return a trade's life as plain values: amounts are decimal strings in wei, no signed bytes."""
    return {
        "trace_id": life.trace_id,
        "strategy": life.strategy,
        "intent_ids": list(life.intent_ids),
        "steps": [
            {
                "row": step.row,
                "time": step.time,
                "kind": _tag(type(step.told)).partition(".")[0],
                **{name: value for name, value in _plain(step.told).items() if name not in {"type", "raw"}},
            }
            for step in life.steps
        ],
    }


def _plain(told: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(told, enc_hook=str)
    return plain


def _decoded(rows: Iterable[Row]) -> Iterator[tuple[Row, Any]]:
    for row in rows:
        try:
            yield row, from_json(row.body, ExecutorRow)
        except Undecodable:
            continue  # of a later version: 'warden verify' tells what is damaged


def _ids(told: SignedRow | DecisionRow) -> tuple[str, ...]:
    if isinstance(told, SignedRow):
        return told.tx_hash.lower(), told.intent_id.lower(), told.trace_id.lower()
    return told.decision.intent_id.lower(), told.trace_id.lower()


def _intent(told: SignedRow | DecisionRow) -> str:
    return told.intent_id if isinstance(told, SignedRow) else told.decision.intent_id


def _quoted(text: str) -> bytes:
    return f'"{text}"'.encode()


def _time(time_ns: int) -> str:
    moment = _EPOCH + timedelta(microseconds=time_ns // 1_000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _gwei(amount_wei: int) -> str:
    whole, part = divmod(amount_wei, WEI_PER_GWEI)
    return f"{whole}.{part:09d}".rstrip("0").removesuffix(".")


def _signed(amount_wei: int) -> str:
    return format_ether(amount_wei, places=18, signed=True).rstrip("0").removesuffix(".")
