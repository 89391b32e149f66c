"""An executor's end of the orders' channel: the real bus in a thread, with answers that a test chose."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from warden.domain.roles import Role
from warden.wire.addresses import ORDERS
from warden.wire.codec import decode, encode
from warden.wire.orders import OrderRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.instance import Instance
    from warden.wire.orders import OrderReply


@contextmanager
def answering(instance: Instance, reply: OrderReply) -> Iterator[list[OrderRequest]]:
    """Serve the channel; yield the orders that came, from the operator's key alone."""
    taken: list[OrderRequest] = []
    done, ready = threading.Event(), threading.Event()

    def serve() -> None:
        with instance.bus(Role.EXECUTOR) as bus:
            server = bus.serve(ORDERS)
            ready.set()
            while not done.wait(0.01):
                incoming = server.receive()
                if incoming is not None and incoming.role is Role.OPERATOR:
                    taken.append(decode(incoming.data, OrderRequest))
                    server.send(incoming.identity, encode(reply))

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait(60)
    try:
        yield taken
    finally:
        done.set()
        thread.join()
