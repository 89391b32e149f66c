"""Every message: tagged, versioned, frozen, closed to unknown fields."""

from __future__ import annotations

import re
import typing

import msgspec

from warden.wire import messages, telemetry

TAGGED = [
    each
    for each in {**vars(messages), **vars(telemetry)}.values()
    if isinstance(each, type) and issubclass(each, msgspec.Struct) and each.__struct_config__.tag is not None
]


def test_tags_are_unique_and_carry_a_version() -> None:
    """`name.number`, each once: a reader knows what it has and of which version."""
    tags = [str(each.__struct_config__.tag) for each in TAGGED]
    assert len(set(tags)) == len(tags)
    assert all(re.fullmatch(r"[a-z]+\.[0-9]+", tag) for tag in tags)


def test_messages_are_frozen_and_closed() -> None:
    """Nothing changes after it was received; a field that is not known is refused."""
    for each in TAGGED:
        assert each.__struct_config__.frozen, each
        assert each.__struct_config__.forbid_unknown_fields, each


def test_what_carries_the_stop_is_open() -> None:
    """The stop's own messages pass over what they do not know: a console of any age (DESIGN: Wire)."""
    assert not messages.StopSeen.__struct_config__.forbid_unknown_fields
    assert messages.StopSeen.__struct_config__.frozen


def test_every_tagged_message_travels_somewhere() -> None:
    """A message in no union can't be received by anybody."""
    unions = (
        messages.WatchdogToProcess,
        messages.ExecutorToTrader,
        messages.TraderToExecutor,
        messages.OperatorRequest,
        telemetry.Telemetry,
    )
    members = {member for union in unions for member in typing.get_args(union)}
    alone = {messages.Beat, messages.BotSend, messages.OperatorReply, telemetry.AlertLine}
    assert set(TAGGED) - members == alone
