"""A function in a process of its own, started and reaped without waiting; what it says is polled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MESSAGES_A_TURN: Final = 16


class Apart:
    """One such process at work.

    Attributes:
        failure: why it was killed; empty where it was not.

    Args:
        name: for the process list.
        target: called there with `arguments` and a connection to which it sends bytes; found by its name.
        give_up_ns: when it is killed (BOOTTIME).

    Raises:
        OSError: no process could be started.
    """

    def __init__(
        self, name: str, target: Callable[..., None], arguments: tuple[Any, ...], give_up_ns: int
    ) -> None:
        # Imported when first needed: most watchdogs never need it.
        from multiprocess import get_context  # noqa: PLC0415

        context = get_context("spawn")
        self._answer, theirs = context.Pipe(duplex=False)
        # A daemon: the watchdog's own end ends it, and does not wait for it.
        self._process = context.Process(target=target, args=(*arguments, theirs), name=name, daemon=True)
        self._give_up_ns = give_up_ns
        self._closed = False
        self.failure = ""
        try:
            self._process.start()
        except OSError:
            self._answer.close()
            raise
        finally:
            theirs.close()

    def messages(self) -> list[bytes]:
        """Return what it has said since the last call."""
        found: list[bytes] = []
        try:
            while not self._closed and len(found) < _MESSAGES_A_TURN and self._answer.poll(0):
                found.append(self._answer.recv_bytes())
        except (EOFError, OSError):
            self._close()
        return found

    def over(self, now_ns: int) -> bool:
        """Tell whether it has ended and was heard to the end; kills one that takes too long."""
        if now_ns >= self._give_up_ns and not self.failure:
            self.failure = "it took too long and was killed"
            self.end()
        # Asking whether it lives reaps it.
        return self._closed and not self._process.is_alive()

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._close()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._answer.close()
