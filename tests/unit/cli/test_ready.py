"""Who is ready, who is not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.cli.test_demo_lines import VIEW
from warden.cli.ready import _is_over, expected, last_words, not_ready
from warden.domain.modes import Environment
from warden.domain.roles import PROCESSES, Role
from warden.operator.picture import ProcessView
from warden.runtime.places import Places, places

if TYPE_CHECKING:
    from pathlib import Path


def process(role: Role, state: str = "ready", *, stale: bool = False, detail: str = "") -> ProcessView:
    """Return a process as the picture has it."""
    return ProcessView(
        name=role.value,
        pid=1,
        state=state,
        age_ms=100,
        stale=stale,
        progress=1,
        pss_mb=1.0,
        cpu_percent=1.0,
        detail=detail,
    )


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """The places of an instance that has written logs."""
    made = places(tmp_path)
    made.logs.mkdir()
    return made


def test_the_devnet_is_expected_in_its_own_environment_only() -> None:
    """Paper and live have no devnet, so nobody waits for it there."""
    assert expected(Environment.DEVNET) == PROCESSES
    assert Role.DEVNET not in expected(Environment.PAPER)


def test_whoever_is_not_ready_is_named_with_a_reason() -> None:
    """I10: silent, degraded and never heard of are all not ready, each in its own words."""
    view = msgspec.structs.replace(
        VIEW,
        processes=(
            process(Role.API),
            process(Role.LOGGER, stale=True),
            process(Role.GATEWAY, "degraded", detail="no endpoint answers"),
        ),
    )
    assert not_ready(view, (Role.API, Role.LOGGER, Role.GATEWAY, Role.TRADER)) == {
        "logger": "silent",
        "gateway": "degraded (no endpoint answers)",
        "trader": "not heard",
    }


@pytest.mark.parametrize(
    ("state", "exit_code", "over"),
    [
        ("RUNNING", 0, False),
        ("EXITED", 1, False),
        ("EXITED", -9, False),
        ("EXITED", 0, True),
        ("EXITED", 2, True),
        ("FATAL", 1, True),
        ("BACKOFF", 2, False),
    ],
)
def test_only_what_is_not_started_again_is_over(state: str, exit_code: int, *, over: bool) -> None:
    """As in supervisord.conf: exit codes 0 and 2 are final, everything else is tried again."""
    assert _is_over("logger", state, exit_code) is over


def test_the_trader_comes_back_after_an_orderly_end_too() -> None:
    """The watchdog ends a hung trader with SIGTERM: its exit code 0 is not final, only 2 is."""
    assert _is_over("trader", "EXITED", 0) is False
    assert _is_over("trader", "EXITED", 2) is True


def test_the_last_words_are_those_of_the_last_start(where: Places) -> None:
    """The newest grave line counts; one from before the last start does not, nor what is no line of ours."""
    log = where.logs / "api.log"
    grave = b'{"level":"CRITICAL","kind":"process.refused","message":"the port is taken"}\n'
    start = b'{"level":"INFO","kind":"process.started","message":"api started"}\n'
    log.write_bytes(start + grave + b"not JSON\n")
    assert last_words(where, "api") == "the port is taken"
    log.write_bytes(grave + start)
    assert last_words(where, "api") == ""
    (where.logs / "api.early").write_text("Traceback …\nImportError: no such thing\n", encoding="utf-8")
    assert last_words(where, "api") == "ImportError: no such thing"
    assert last_words(where, "logger") == ""
