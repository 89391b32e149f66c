"""An executor whose core records itself: `python -m tests.process.recording_executor RECORD --home HOME`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.process.replaying import RecordedChain, RecordedCore
from warden.domain.roles import Role
from warden.executor import trading
from warden.executor.main import main
from warden.runtime.process import run

if __name__ == "__main__":
    RecordedCore.record = Path(sys.argv.pop(1)).open("wb")  # noqa: SIM115 - as long as the process lives
    # The process's parts, with the recorded ones in the places of core and chain.
    vars(trading).update(ExecutorCore=RecordedCore, PaperChain=RecordedChain)
    sys.exit(run(Role.EXECUTOR, main))
