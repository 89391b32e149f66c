"""The stop directory, on a real file system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.instance import REPOSITORY
from warden.domain.stops import Stop, encode_stop
from warden.runtime.latch import CLEARED, Latch

STOP = Stop(stop_id="one", reason="MANUAL", message="why", operator="anna", time="t")


@pytest.fixture
def latch(tmp_path: Path) -> Latch:
    """A stop directory as set-up makes it."""
    made = Latch(tmp_path / "stop")
    made.create()
    return made


def stopped(latch: Latch) -> bool:
    """Ask both ways, which must agree."""
    assert latch.is_clear() is not latch.read().stopped
    return latch.read().stopped


def test_an_empty_directory_is_not_stopped(latch: Latch) -> None:
    """Only being there, readable and empty, means not."""
    assert not stopped(latch)
    latch.create()
    assert not stopped(latch)


@pytest.mark.parametrize("name", ["x", ".hidden", "a b", "ü", "x.tmp", "cleared.txt", "Cleared"])
def test_any_file_stops(latch: Latch, name: str) -> None:
    """A bare `touch` of any name (ES1)."""
    (latch.path / name).touch()
    assert stopped(latch)
    assert [stop.stop_id for stop in latch.read().stops] == [name]


def test_any_kind_of_entry_stops(latch: Latch) -> None:
    """A directory, a dangling link, a pipe and a link to a device stop too, and reading them never hangs."""
    (latch.path / "a-directory").mkdir()
    (latch.path / "b-dangling").symlink_to("nowhere")
    os.mkfifo(latch.path / "c-pipe")
    (latch.path / "d-device").symlink_to("/dev/zero")
    state = latch.read()
    assert [stop.stop_id for stop in state.stops] == ["a-directory", "b-dangling", "c-pipe", "d-device"]
    assert stopped(latch)


def test_a_name_that_is_no_text_stops(latch: Latch) -> None:
    """A file whose name is not UTF-8 stops as well."""
    Path(os.fsdecode(os.fsencode(latch.path) + b"/\xff\xfe")).touch()
    assert stopped(latch)


def test_a_missing_directory_stops(latch: Latch) -> None:
    """Lost, it does not come back by itself, and says so in one line (ES4)."""
    (latch.path / CLEARED).rmdir()
    latch.path.rmdir()
    assert stopped(latch)
    assert str(latch.path) in latch.read().unreadable
    with pytest.raises(OSError, match="No such file"):
        latch.write(STOP)


def test_a_file_in_its_place_stops(tmp_path: Path) -> None:
    """What is no directory can't be read as one."""
    (tmp_path / "stop").touch()
    assert stopped(Latch(tmp_path / "stop"))


_AS_NOBODY = """
import os, sys
from pathlib import Path
from warden.runtime.latch import Latch
place = Path(sys.argv[1])
if os.geteuid() == 0:
    os.chdir(place)
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    place = Path()
latch = Latch(place)
print(latch.is_clear(), latch.read().stopped)
for stop in latch.read().stops:
    print(stop.stop_id, stop.message)
"""


def seen_by_nobody(latch: Latch) -> str:
    """What one without root's rights finds; who was root looks from inside: nobody may not come there."""
    return subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(latch.path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    ).stdout


@pytest.mark.parametrize("rights", [0o000, 0o300])
def test_an_unreadable_directory_stops(latch: Latch, rights: int) -> None:
    """No right to list it: stopped, for a user without root's rights (ES4)."""
    latch.path.chmod(rights)
    try:
        assert seen_by_nobody(latch) == "False True\n"
    finally:
        latch.path.chmod(0o700)


def test_an_unreadable_file_stops(latch: Latch) -> None:
    """Its name is enough."""
    latch.write(STOP)
    (latch.path / STOP.stop_id).chmod(0)
    assert seen_by_nobody(latch) == "False True\none unreadable stop file: Permission denied\n"


def test_a_stop_is_written_whole_and_read_back(latch: Latch) -> None:
    """The file's bytes are the frozen format's."""
    latch.write(STOP)
    assert (latch.path / "one").read_bytes() == encode_stop(STOP)
    assert latch.read().stops == (STOP,)
    assert Latch(latch.path).read().stops == (STOP,)


def test_the_same_stop_again_changes_nothing(latch: Latch) -> None:
    """Idempotent by id: the first one's words stand (DESIGN §3)."""
    latch.write(STOP)
    latch.write(Stop(stop_id="one", message="another"))
    assert latch.read().stops == (STOP,)


def test_a_torn_stop_stands(latch: Latch) -> None:
    """A writer that died after the name appeared has stopped the system all the same."""
    (latch.path / "torn").write_bytes(encode_stop(STOP)[:20])
    assert stopped(latch)
    latch.write(Stop(stop_id="torn"))
    assert [stop.stop_id for stop in latch.read().stops] == ["torn"]


@pytest.mark.parametrize("stop_id", ["", "..", "a/b", ".x", CLEARED, "a" * 81])
def test_an_id_that_is_no_plain_name_is_refused(latch: Latch, stop_id: str) -> None:
    """No stop can be written outside the directory, or where it would not count."""
    with pytest.raises(ValueError, match="cannot be a stop's id"):
        latch.write(Stop(stop_id=stop_id))


def test_clearing_names_one_stop_and_keeps_it(latch: Latch) -> None:
    """Recovery lifts the named stop only; what is lifted is kept beside (DESIGN: Recovery)."""
    latch.write(STOP)
    latch.write(Stop(stop_id="two"))
    latch.clear("one")
    assert stopped(latch)
    assert [stop.stop_id for stop in latch.read().stops] == ["two"]
    latch.clear("two")
    assert not stopped(latch)
    assert (latch.path / CLEARED / "one").read_bytes() == encode_stop(STOP)


def test_clearing_the_same_id_twice_keeps_both(latch: Latch) -> None:
    """History is not overwritten."""
    for number in range(3):
        latch.write(Stop(stop_id="one", message=str(number)))
        latch.clear("one")
    assert sorted(path.name for path in (latch.path / CLEARED).iterdir()) == ["one", "one.1", "one.2"]


def test_what_does_not_stand_cannot_be_cleared(latch: Latch) -> None:
    """An error is seen, not passed over."""
    with pytest.raises(FileNotFoundError):
        latch.clear("nothing")


def test_a_flood_of_stops_is_bounded(latch: Latch) -> None:
    """Ten thousand files are one stop more to read, not a longer answer."""
    for number in range(500):
        (latch.path / f"s{number:04}").touch()
    assert len(latch.read().stops) == 64
    assert stopped(latch)


def test_a_huge_stop_file_is_read_in_part(latch: Latch) -> None:
    """A file may not fill the memory of who looks."""
    with (latch.path / "huge").open("wb") as file:
        file.truncate(10**9)
    assert len(latch.read().stops[0].message) <= 200
