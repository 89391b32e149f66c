"""The life of a trade out of the executor's journal, without the executor (OP1a)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.rows import tx
from tests.unit.operator.trades import intent, leg, mined, refused, sent, swap, trace, write
from warden.domain.errors import ConfigurationInvalid
from warden.domain.intents import Call, Decision, Outcome, Proposal, Swap
from warden.domain.money import Wei
from warden.operator.life import asked_for, decision_text, find, last_refusals, life_json, text_of
from warden.wire.rows import EndedRow, ExecutorRow, Purpose

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with a trade that was mined after a cancel, one that was refused, and others around."""
    rows: list[ExecutorRow] = [
        refused(5, count=4),
        swap(1),
        sent(1),
        leg(1, "already\x1b[31m known"),
        swap(2),
        swap(101, purpose=Purpose.CANCEL, replaces=tx(1)),
        leg(101),
        mined(2),
        mined(1),
        EndedRow(session="s"),
    ]
    return write(tmp_path / "executor.db", rows)


@pytest.mark.parametrize("named", [intent(1), trace(1), tx(1), tx(101), intent(1)[:6], trace(1)[:8]])
def test_any_of_its_ids_finds_the_whole_trade(journal: Path, named: str) -> None:
    """OP1a, OB3: by intent, trace or hash, or its beginning; the cancel belongs to it, others do not."""
    (found,) = find(journal, asked_for(named))
    assert (found.trace_id, found.strategy) == (trace(1), "Triangular")
    assert [step.row for step in found.steps] == [2, 3, 4, 6, 7, 9]
    assert found.intent_ids == (intent(1), f"cancel-{tx(1)}")


def test_the_life_in_words(journal: Path) -> None:
    """OP1a: signed, counted, sent, mined with exact figures, a line each."""
    (found,) = find(journal, intent(1))
    lines = list(text_of(found))
    assert lines[0] == f"trade of Triangular: trace {trace(1)}"
    steps = [line.partition("Z ")[2] for line in lines[3:]]
    assert steps[0] == (
        f"signed swap {tx(1)}: nonce 1, spends 1 ETH at most, 200000 gas at 1.5 gwei at most, route public"
    )
    assert steps[1] == "counted by the risk rules: sent"
    assert steps[3].endswith(f"route public, instead of {tx(1)}")
    assert steps[5] == (
        f"mined in block 77, {tx(1)}: sold 1 ETH, bought 1.01 ETH, gas 0.001 ETH, net +0.009 ETH"
    )


def test_a_refusal_tells_rule_limit_observed_and_setting(journal: Path) -> None:
    """OP1a, EX1: rule, limit, observed, unit, and the setting that would change it."""
    (found,) = find(journal, trace(5)[:8])
    assert list(text_of(found))[-1].partition("Z ")[2] == (
        "refused by limits.max_trade_eth: larger than a trade may be; "
        "limit 10 ETH, observed 12 ETH, setting limits.max_trade_eth (4 like it since the row before)"
    )
    assert decision_text(Decision(intent_id="", outcome=Outcome.APPROVED)) == "approved"


def test_the_life_for_scripts(journal: Path) -> None:
    """OP1: each step with its kind and values, wei as text, without the signed bytes."""
    (found,) = find(journal, tx(1))
    told = msgspec.json.decode(msgspec.json.encode(life_json(found)))
    assert [step["kind"] for step in told["steps"]] == ["signed", "risk", "leg", "signed", "leg", "outcome"]
    assert told["steps"][0]["spend_wei"] == "1000000000000000000"
    assert "raw" not in told["steps"][0]


def test_the_beginning_of_several_is_refused(tmp_path: Path) -> None:
    """One line names them; a whole id is never ambiguous."""
    path = write(tmp_path / "executor.db", [swap(1), swap(2)])
    with pytest.raises(ConfigurationInvalid, match=f"beginning of 2 trades' ids.*{trace(1)}"):
        find(path, "0x0000")
    assert [each.trace_id for each in find(path, tx(2))] == [trace(2)]


def test_one_trace_of_many_is_bounded(tmp_path: Path) -> None:
    """A strategy that reuses a trace without end floods no screen: 200 steps at most."""
    row = swap(1)
    many = [msgspec.structs.replace(row, tx_hash=tx(number + 1_000)) for number in range(300)]
    (found,) = find(write(tmp_path / "executor.db", many), trace(1))
    assert len(found.steps) == 200


def test_what_no_row_names_is_not_found(journal: Path, tmp_path: Path) -> None:
    """Nothing is made up, also where there is no journal; ids within other text do not count."""
    assert find(journal, "ffffff") == ()
    assert find(tmp_path / "none.db", intent(1)) == ()
    assert find(journal, intent(1)[1:9]) == ()
    assert find(journal, f"0x{'bb' * 20}") == ()  # where they were sent, and no trade's id


@pytest.mark.parametrize("words", ["", "12345", "0x", "xyzxyz", "0x" + "1" * 65, "a" * 20 + "%"])
def test_what_can_be_no_id_is_said(words: str) -> None:
    """One line that says what an id looks like."""
    with pytest.raises(ConfigurationInvalid, match="can be no intent's or trace's id"):
        asked_for(words)


def test_ids_as_people_paste_them() -> None:
    """Blanks and capitals do not matter, nor a hash without its 0x."""
    assert asked_for(f" {tx(0xAB).upper().replace('0X', '0x')} ") == tx(0xAB)
    assert asked_for("ab" * 32) == "0x" + "ab" * 32


def test_the_last_refusals_without_the_executor(journal: Path) -> None:
    """OP1a: what was refused can be read with the executor dead."""
    ((time, row),) = last_refusals(journal)
    assert (row, time[-1]) == (refused(5, count=4), "Z")


def test_fs4_what_would_have_been_done_is_told(tmp_path: Path) -> None:
    """FS4, OP1a: of a time in which only watching was allowed; of a call by its selector."""
    swapped = Proposal(swap=Swap(("0xa", "0xb", "0xc"), Wei(70), Wei(80)))
    called = Proposal(call=Call(to="0xd", data=b"\x01\x02\x03\x04", value_wei=Wei(9)))
    told = {5: swapped, 6: called}
    rows: list[ExecutorRow] = [
        msgspec.structs.replace(refused(number), proposal=each) for number, each in told.items()
    ]
    journal = write(tmp_path / "executor.db", rows)
    lives = ["\n".join(text_of(find(journal, intent(number))[0])) for number in told]
    assert lives[0].endswith("; would have sold 70 of 0xa over 1 more for at least 80 of 0xc")
    assert lives[1].endswith("; would have called 0xd, selector 0x01020304, with 9 wei")
