"""The locks: exact versions with hashes, no addresses, and one set within the other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scripts.provision import plan, stamp
from scripts.provision.place import Place

PLACE = Place(Path(__file__).resolve().parents[2])
LOCKS = ["warden", "dev", "research", "trace", "node"]


def _pins(name: str) -> dict[str, str]:
    text = PLACE.lock_file(name).read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_by_hash_and_names_no_address(name: str) -> None:
    """A lock holds for every mirror and proxy, and nothing in it can be changed unseen."""
    text = PLACE.lock_file(name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=sha256:", ""), flags=re.MULTILINE)
    requirements = re.split(r"\n(?=\S)", text.strip())
    assert [
        block.split("\n")[0] for block in requirements if "==" not in block or "--hash=sha256:" not in block
    ] == []


def test_the_npm_lock_names_no_address_but_every_hash() -> None:
    """Each package of the devnet has its hash, and comes from whatever registry npm is told to use."""
    packages = json.loads((PLACE.npm_source / "package-lock.json").read_bytes())["packages"]
    fetched = {name: entry for name, entry in packages.items() if name}
    assert [
        name for name, entry in fetched.items() if not entry.get("integrity", "").startswith("sha512-")
    ] == []
    assert [name for name, entry in fetched.items() if "resolved" in entry] == []


@pytest.mark.parametrize("name", ["warden", "research", "trace"])
def test_sets_agree_on_versions(name: str) -> None:
    """Whatever two sets share has one version, so that they install beside each other."""
    wide, narrow = _pins("dev"), _pins(name)
    assert {key: pin for key, pin in narrow.items() if wide.get(key, pin) != pin} == {}


def test_a_set_contains_what_set_up_says_it_does() -> None:
    """A clone made ready to be tested runs the demo with no further set-up, and truly has all of it."""
    for name, contained in stamp.CONTAINS.items():
        for other in contained:
            assert _pins(other).items() <= _pins(name).items()


def test_announced_sizes_exist_for_all_that_is_fetched() -> None:
    """The announcement names each part with a size, and asks for more room than what stays."""
    parts = plan.parts(PLACE, "dev", pip=True, python=True, npm=True, node=True)
    assert all(part.fetch_mb > 0 for part in parts)
    assert plan.needed_mb(parts) > sum(part.disk_mb for part in parts) > 0
    lines = plan.announcement(PLACE, "dev", parts)
    assert f"fetches up to {sum(part.fetch_mb for part in parts)} MB" in lines[0]
