"""A bot as a stranger would write it: the standard library and JSON-RPC, nothing of Warden's.

It swaps a little of the wrapped token into another and back, for as long as it runs, and beats; with `--hang`
it falls silent after its first trade.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from pathlib import Path

SWAP = "38ed1739"
BALANCE = "70a08231"
AMOUNT = 5 * 10**16


def ask(method: str, *params: object) -> dict[str, object]:
    """Return the whole answer of one call."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(  # noqa: S310 - the URL that Warden gave
        os.environ["WARDEN_RPC_URL"], body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
        answer: dict[str, object] = json.load(response)
        return answer


def word(value: int | str) -> str:
    """Return a number or an address as a word of calldata."""
    return (f"{value:x}" if isinstance(value, int) else value[2:].lower()).rjust(64, "0")


def swap(wallet: str, amount: int, path: list[str]) -> str:
    """Return the calldata of a swap along two tokens."""
    head = [word(each) for each in (amount, 1, 5 * 32, wallet, 2**40)]
    return "0x" + SWAP + "".join([*head, word(2), *map(word, path)])


def main() -> None:
    """Trade until ended."""
    venue = json.loads(Path("run/devnet/devnet.json").read_text(encoding="utf-8"))
    weth, token = venue["weth"], venue["tokens"][0]["address"]
    accounts = ask("eth_accounts")["result"]
    assert isinstance(accounts, list)
    wallet = accounts[0]
    while True:
        held = ask("eth_call", {"to": token, "data": "0x" + BALANCE + word(wallet)}, "latest")["result"]
        amount = int(str(held), 16)
        path = [token, weth] if amount else [weth, token]
        data = swap(wallet, amount or AMOUNT, path)
        answer = ask("eth_sendTransaction", {"from": wallet, "to": venue["router"], "data": data})
        sys.stdout.write(json.dumps(answer)[:300] + "\n")
        sys.stdout.flush()
        if "result" in answer:
            time.sleep(3_600 if "--hang" in sys.argv else 1)
        urllib.request.urlopen(os.environ["WARDEN_HEARTBEAT_URL"], timeout=30).close()  # noqa: S310 - as above
        time.sleep(0.5)


if __name__ == "__main__":
    main()
