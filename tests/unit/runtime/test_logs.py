"""Log lines: JSON, rotated, and never with a key in them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.instance import REPOSITORY
from warden.runtime.logs import redact

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://rpc.example/v2/secretkey", "https://rpc.example/…"),
        ("ask https://rpc.example/v2/secretkey, then stop", "ask https://rpc.example/… then stop"),
        ("https://user:secretkey@rpc.example/", "https://rpc.example/…"),
        ("wss://secretkey@rpc.example", "wss://rpc.example/…"),
        ("http://127.0.0.1:8545?key=secretkey", "http://127.0.0.1:8545/…"),
        ("http://rpc.example#secretkey", "http://rpc.example/…"),
        ("HTTPS://rpc.example/secretkey", "HTTPS://rpc.example/…"),
        (
            "a https://x.example/secretkey b http://y.example/secretkey",
            "a https://x.example/… b http://y.example/…",
        ),
        ("('https://x.example/secretkey',)", "('https://x.example/…',)"),
        ("https://a:b@c:secretkey@x.example/", "https://x.example/…"),
        ("https://user:sec/secretkey@x.example/", "https://…"),
        ("http://x.example?@secretkey", "http://x.example/…"),
        ("http://[::1]:8545/secretkey", "http://[::1]:8545/…"),
        ("reads are answered at http://127.0.0.1:8547", "reads are answered at http://127.0.0.1:8547"),
        ("http://127.0.0.1:8547/", "http://127.0.0.1:8547"),
        ("nothing to hide", "nothing to hide"),
        ("", ""),
    ],
)
def test_of_a_url_only_scheme_and_host_remain(text: str, shown: str) -> None:
    """Path, query, fragment and credentials may each be a key (OB1)."""
    assert redact(text) == shown
    assert "secretkey" not in redact(text)


@given(
    st.sampled_from(["http://", "https://", "ws://", "wss://"]),
    st.from_regex(r"[A-Za-z0-9:._~!$&()*+=%-]{0,20}@?", fullmatch=True),
    st.from_regex(r"[/?#][A-Za-z0-9/?#@:._~!$&()*+=%-]{0,20}", fullmatch=True),
)
def test_no_form_of_url_lets_a_key_through(scheme: str, before: str, after: str) -> None:
    """Wherever it stands: before the host as credentials, or after it."""
    credentials = f"SECRET{before.rstrip('@')}@" if before else ""
    assert "SECRET" not in redact(f"to {scheme}{credentials}host.example{after}SECRET end")


_WRITES = """
import sys
from pathlib import Path
from loguru import logger
from warden.runtime import logs
logs.configure("gateway", Path(sys.argv[1]))
url = "https://x.example/secretkey"
logger.bind(kind="some.kind", url=url, number=5).info("{}", f"see {url} {{}}")
logger.debug("not written")
logger.warning("two\\nlines and <red>no markup</red>")
try:
    raise ValueError("at https://x.example/secretkey <b>")
except ValueError as error:
    logger.bind(kind="broke").opt(exception=error).error("{} broke", "it")
"""


@pytest.fixture
def written(tmp_path: Path) -> tuple[list[dict[str, Any]], str]:
    """What a process wrote: its JSON lines, and its standard error."""
    done = subprocess.run(
        [sys.executable, "-c", _WRITES, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )
    lines = (tmp_path / "gateway.log").read_text(encoding="utf-8")
    assert "secretkey" not in lines
    return [json.loads(line) for line in lines.splitlines()], done.stderr


def test_each_line_is_one_json_object(written: tuple[list[dict[str, Any]], str]) -> None:
    """Time, level, role, kind, message, and data by name (OB1)."""
    lines, _ = written
    assert [(line["level"], line["kind"], line["message"]) for line in lines] == [
        ("INFO", "some.kind", "see https://x.example/… {}"),
        ("WARNING", "log", "two\nlines and <red>no markup</red>"),
        ("ERROR", "broke", "it broke (ValueError: at https://x.example/… <b>)"),
    ]
    assert lines[0]["role"] == "gateway"
    assert lines[0]["data"] == {"url": "https://x.example/…", "number": "5"}


def test_people_see_no_key_either(written: tuple[list[dict[str, Any]], str]) -> None:
    """Standard error has the same words, redacted, a traceback included; in the file it is a field."""
    lines, shown = written
    assert "Traceback" in shown
    assert lines[2]["traceback"].startswith("Traceback")
    assert lines[2]["traceback"] in shown
    assert "some.kind: see https://x.example/… {}" in shown
    assert "secretkey" not in shown
