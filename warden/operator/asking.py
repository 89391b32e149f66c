"""One bounded question to one process, and its answer: on a socket of its own, from any thread.

The question is sent once at most: what it asks for may be done by the time that nobody answers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from warden.domain.errors import NotRunning
from warden.domain.roles import Role
from warden.runtime.bus import Bus
from warden.runtime.clock import NS_PER_MS, Clock, SystemClock
from warden.runtime.places import places
from warden.wire.codec import Undecodable, decode, encode

if TYPE_CHECKING:
    from pathlib import Path

    import msgspec

    from warden.wire.addresses import Channel

REPLY_MS: Final = 10_000
_POLL_MS: Final = 20


def answer_to(
    home: Path,
    channel: Channel,
    question: msgspec.Struct,
    kind: Any,  # noqa: ANN401 - a struct, or a union of structs, which has no type of its own
    *,
    timeout_ms: int = REPLY_MS,
    clock: Clock | None = None,
) -> Any:  # noqa: ANN401 - a `kind`
    """Put `question` to the process that serves `channel` and return its answer, a `kind`.

    Raises:
        NotRunning: it did not take it; or it gave no answer in `timeout_ms`, or none that can be read, and
            may yet act on it.
        ConfigurationInvalid: there is no instance at `home`.
    """
    clock = clock or SystemClock()
    end_ns = clock.boot_ns() + timeout_ms * NS_PER_MS
    who = channel.server
    with Bus(Role.OPERATOR, places(home)) as bus:
        client = bus.connect(channel)
        data = encode(question)
        sent = False
        while clock.boot_ns() < end_ns:
            sent = sent or client.send(data)
            if sent:
                client.socket.poll(_POLL_MS)
            else:
                time.sleep(_POLL_MS / 1_000)
            answer = client.receive()
            if answer is None:
                continue
            try:
                return decode(answer, kind)
            except Undecodable as error:
                raise NotRunning(
                    f"the {who}'s answer cannot be read ({error}): is it of this version?"
                ) from error
    if sent:
        raise NotRunning(
            f"the {who} took the request and gave no answer in {timeout_ms} ms, but may have acted on it: "
            "look at 'warden status'"
        )
    raise NotRunning(f"the {who} does not answer: start Warden with 'warden up'")
