"""What each kind of event means to a person: title, usual root cause, runbook. One table (AL2)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from warden.notifier.meanings_aftermath import OF_AFTERMATH
from warden.notifier.meanings_checks import OF_CHECKS
from warden.notifier.meanings_gateway import OF_GATEWAY
from warden.notifier.meanings_health import OF_HEALTH
from warden.notifier.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping


GENERIC: Final = Rule(
    "Something needs a look",
    "This kind of event has no rule of its own; the message says what happened.",
    "degraded-health#an-alert-without-a-rule",
)

_OUT_OF_MEMORY_OR_BUG: Final = "It crashed, was killed, ran out of memory, or the machine is overloaded."
_LATE: Final = "A heartbeat was late: the machine is overloaded, was suspended, or a process was paused."

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        # --- the stop ---
        "cleanup.*": Rule(
            "The clean-up after a stop is not complete",
            "A transaction could be neither cancelled nor seen to land in time.",
            "emergency-stop#what-may-still-land",
        ),
        "incident.*": Rule(
            "A security breach was looked into",
            "An operator has cleared it, so that its stop can be recovered.",
            "emergency-stop#after-a-security-breach",
        ),
        # --- the watchdog ---
        "trader.frozen": Rule(
            "The trader was frozen", "An operator holds it still.", "manual-intervention#the-trader-is-frozen"
        ),
        "trader.thawed": Rule(
            "The trader was thawed",
            "An operator lets it run again; it trades once somebody arms.",
            "manual-intervention#the-trader-is-frozen",
        ),
        "trader.not-frozen": Rule(
            "The trader could not be frozen",
            "It had ended, or belongs to another user; its session is withdrawn all the same.",
            "manual-intervention#the-trader-is-frozen",
        ),
        "trader.not-thawed": Rule(
            "The trader could not be thawed",
            "It had ended, or belongs to another user.",
            "manual-intervention#the-trader-is-frozen",
        ),
        "*.lost": Rule("A process is dead or hung", _OUT_OF_MEMORY_OR_BUG, "process-lost"),
        "*.livelocked": Rule(
            "A process does no work",
            "It beats but handles nothing: it waits for something, or loops.",
            "process-lost",
        ),
        "*.replaced": Rule(
            "A process was replaced",
            "Another one came in its place: it crashed and was restarted.",
            "process-lost",
        ),
        "*.killed": Rule(
            "A process was killed", "It hung or did no work, so the watchdog ended it.", "process-lost"
        ),
        "*.not-killed": Rule(
            "A process could not be killed",
            "It belongs to another user, or waits for a disk or a device.",
            "process-lost#a-process-that-cannot-be-killed",
        ),
        "trader.let-in": Rule(
            "A new trader was let in",
            "The one before was lost; its place was taken by itself.",
            "process-lost#trader",
        ),
        "trader.kept-out": Rule(
            "One of several traders is kept out",
            "It was lost more often than trader_restarts allows; the other strategies trade on.",
            "process-lost#trader",
        ),
        "mode.tripped": Rule(
            "Tripped: an operator is needed",
            "Something happened after which nothing goes on by itself.",
            "manual-intervention#the-mode-is-lower-than-it-should-be",
        ),
        "mode.not-armed": Rule(
            "Not armed",
            "A stop stands or a check fails; the message says which.",
            "manual-intervention#arming-is-refused",
        ),
        "mode.armed": Rule("Armed by an operator", "Somebody let trading begin.", "startup"),
        "mode.recovered": Rule("Recovered by an operator", "Somebody lifted a stop.", "emergency-stop"),
        "mode.lapse-healed": Rule("A lapse healed", _LATE, "degraded-health#lapses"),
        "mode.changed": Rule(
            "The mode changed",
            "A process was lost, a check failed, or an operator ordered it.",
            "manual-intervention#the-mode-is-lower-than-it-should-be",
        ),
        "watchdog.unclean": Rule(
            "The last run did not end in order",
            "The machine or the watchdog went down without 'warden down'.",
            "recovery-after-crash",
        ),
        "watchdog.paused": Rule("The watchdog stood still", _LATE, "degraded-health#lapses"),
        "stop.seen": Rule(
            "STOPPED", "Somebody or something ordered a stop; the message says who and why.", "emergency-stop"
        ),
        "stop.vanished": Rule(
            "A stop file vanished",
            "Somebody removed it by hand; only 'warden recover' lifts a stop.",
            "emergency-stop#a-stop-file-vanished",
        ),
        "stop.directory-unreadable": Rule(
            "The stop directory cannot be read",
            "It was removed, or lost its rights; that counts as a stop.",
            "manual-intervention#the-stop-directory-cannot-be-read",
        ),
        "stop.unreserved": Rule(
            "No room is kept for stops on a full disk",
            "The disk is full already, or the watchdog may not write beside the stop directory.",
            "degraded-health#disk",
        ),
        "stop.*": Rule("Something about a stop", "The message says what.", "emergency-stop"),
        "lapse.*": Rule("A permit lapsed", _LATE, "degraded-health#lapses"),
        "journal.broken": Rule(
            "A journal cannot be written",
            "The disk is full or failing, or the file was changed from outside.",
            "recovery-after-crash#a-journal-is-broken",
        ),
        "journal.rolled-back": Rule(
            "A journal went back",
            "It was cut off, rewritten or replaced by an older copy; 'warden verify' says which rows.",
            "recovery-after-crash#a-journal-is-broken",
        ),
        # --- the notifier's own ears ---
        "watchdog.silent": Rule("NOBODY WATCHES", _OUT_OF_MEMORY_OR_BUG, "process-lost#watchdog"),
        "watchdog.returned": Rule(
            "The watchdog is back", "It was restarted or let go on.", "process-lost#watchdog"
        ),
        "executor.silent": Rule("The executor is silent", _OUT_OF_MEMORY_OR_BUG, "process-lost#executor"),
        "executor.returned": Rule(
            "The executor is back", "It was restarted or let go on.", "process-lost#executor"
        ),
        "logger.silent": Rule("The logger is silent", _OUT_OF_MEMORY_OR_BUG, "process-lost#logger"),
        "logger.returned": Rule(
            "The logger is back", "It was restarted or let go on.", "process-lost#logger"
        ),
        "channel.failing": Rule(
            "An alert channel fails",
            "The channel's server is away, its address or secret is wrong, or the disk is full.",
            "degraded-health#an-alert-channel-fails",
        ),
        "channel.returned": Rule(
            "An alert channel works again", "Its trouble is over.", "degraded-health#an-alert-channel-fails"
        ),
        "notifier.forgets": Rule(
            "Alerts are not remembered",
            "The notifier's own state cannot be written: the disk is full or failing.",
            "degraded-health#disk",
        ),
        "alerts.withheld": Rule(
            "Alerts were withheld",
            "More happened than may be sent to people; every event stands in logs/main.log.",
            "degraded-health#alerts-were-withheld",
        ),
        # --- the executor ---
        "gate.closed": Rule(
            "The gate is closed",
            "No live permit, a stop, a broken journal, or too little disk; the message says which.",
            "manual-intervention#the-gate-is-closed",
        ),
        "breaker.opened": Rule(
            "The circuit breaker opened", "Trades failed or lost money one after another.", "breaker-opened"
        ),
        "breaker.closed": Rule("The circuit breaker closed", "Probe trades succeeded.", "breaker-opened"),
        "trade.reverted": Rule(
            "A trade reverted on the chain",
            "The price moved beyond the trade's own bound before it was mined; its gas is a loss.",
            "breaker-opened#trades-revert",
        ),
        "risk.stop": Rule(
            "Much of the money is lost",
            "A limit on losses, errors or health was met; the message says which, and what was observed.",
            "high-capital-loss",
        ),
        "*.near-limit": Rule(
            "Near a limit",
            "It comes before the limit, so that there is time to look.",
            "high-capital-loss",
        ),
        "drawdown.*": Rule(
            "Nothing is opened for a while",
            "Equity has fallen too far below its peak, or trades lost in a row.",
            "high-capital-loss",
        ),
        "emergency.*": Rule(
            "The emergency stop is switched off",
            "EMERGENCY_STOP_ENABLED or emergency.enabled is false: a stop comes only by hand.",
            "emergency-stop",
        ),
        "breaker.switched-off": Rule(
            "The circuit breaker is switched off",
            "CIRCUIT_BREAKER_ENABLED or breaker.enabled is false: it opens only by hand.",
            "breaker-opened",
        ),
        "breaker.*": Rule(
            "The circuit breaker was ordered by hand",
            "An operator opened, closed or reset it; the message says who and why.",
            "breaker-opened",
        ),
        "capital.*": Rule(
            "The wallet does not match the books",
            "Coins came or went that no trade and no order explains.",
            "high-capital-loss#the-wallet-does-not-match-the-books",
        ),
        "debts.*": Rule(
            "More was paid out than was earned",
            "A reorg took back a profit whose share was paid out already; the next profits fill it first.",
            "high-capital-loss#the-wallet-does-not-match-the-books",
        ),
        "capital.disputed": Rule(
            "Endpoints differ on the wallet",
            "One of them lies or is broken, and there is no third to outvote it.",
            "network-failure#endpoints-differ",
        ),
        "capital.unknown": Rule(
            "The wallet's capital is not known",
            "Too few endpoints answer for two to agree.",
            "network-failure#endpoints-differ",
        ),
        "calls.*": Rule(
            "The endpoints' quota is nearly used up",
            "More RPC calls were made today than gateway.calls_per_day allows for.",
            "network-failure",
        ),
        "lever.*": Rule(
            "A lever was pulled, or lapsed",
            "An operator loosened something, or an order was not carried out in ten minutes.",
            "manual-intervention",
        ),
        "exit.*": Rule(
            "A position is being sold",
            "A threshold was reached or somebody ordered it; one that would fail is tried again.",
            "position-limit",
        ),
        "position.*": Rule(
            "A position needs a look",
            "Nothing protects it, or something was opened or closed that does not fit the books.",
            "position-limit",
        ),
        "reservation.*": Rule(
            "A share of the limits was used twice or not at all",
            "A defect: report it with the journal; nothing is let through by it.",
            "manual-intervention",
        ),
        "wallet.stranger": Rule(
            "Somebody else sends with this wallet",
            "Another holder of the key, a script or wallet of your own, or a host that was rolled back.",
            "emergency-stop#after-a-security-breach",
        ),
        "stop.unwritten": Rule(
            "A stop has no file",
            "The disk is full or broken, or the stop directory's rights are wrong.",
            "degraded-health#disk",
        ),
        "gate.*": Rule(
            "The gate tells of a stop", "A stop came or went while the executor looked.", "emergency-stop"
        ),
        "permit.refused": Rule(
            "The executor refused a permit",
            "It was of another session or boot: a second watchdog, or one that was restarted.",
            "process-lost#watchdog",
        ),
        "trade.stuck": Rule(
            "A trade is stuck",
            "Its fee is too low for the blocks that come, or the endpoints do not pass it on.",
            "network-failure#a-trade-is-unknown",
        ),
        "trade.*": Rule(
            "A trade did not go as usual",
            "The message says what the chain says.",
            "network-failure#a-trade-is-unknown",
        ),
        "price.*": Rule(
            "A price is in dispute",
            "A pool says another price than its second source, or than it said some blocks ago.",
            "position-limit#a-price-is-in-dispute",
        ),
        "allowance.refused": Rule(
            "A token is not approved for the router",
            "Its approve does not do what it says, or nobody could simulate it; nothing is opened in it.",
            "manual-intervention#an-allowance-that-nobody-explains",
        ),
        "allowance.unexplained": Rule(
            "The router may take more than was approved",
            "Another program used this wallet, or an allowance is older than this journal.",
            "manual-intervention#an-allowance-that-nobody-explains",
        ),
        "simulation.*": Rule(
            "Transactions are signed without being simulated",
            "execution.simulate is not `always`, or no endpoint has eth_simulateV1.",
            "manual-intervention#nothing-is-simulated",
        ),
        "approve.*": Rule(
            "An approval did not go as usual",
            "The message says what the chain says.",
            "network-failure#a-trade-is-unknown",
        ),
        "cancel.*": Rule(
            "A cancel did not go as usual",
            "The message says what the chain says.",
            "network-failure#a-trade-is-unknown",
        ),
        "trade.rejected": Rule(
            "Endpoints rejected a trade",
            "Nonce, fee or balance do not fit what the endpoints see.",
            "network-failure#transactions-are-rejected",
        ),
        "trade.unknown": Rule(
            "The fate of a trade is unknown",
            "No endpoint gave a definite answer; nothing new is opened until the chain settles it.",
            "network-failure#a-trade-is-unknown",
        ),
        # --- the gateway ---
        **OF_AFTERMATH,
        **OF_GATEWAY,
        **OF_CHECKS,
        **OF_HEALTH,
        # --- the trader ---
        "strategy.raised": Rule(
            "The strategy raised an error",
            "A bug in the strategy, or data it did not expect.",
            "strategy-raised",
        ),
        "strategy.rubbish": Rule(
            "The strategy returned no proposal", "A bug in the strategy.", "strategy-raised"
        ),
        "strategy.failed": Rule(
            "The strategy was given up", "It cannot be loaded, or failed too often.", "strategy-raised"
        ),
        "strategy.memory": Rule(
            "The strategy used up its memory",
            "A leak, or strategy.memory_mb is too little for what it keeps.",
            "strategy-raised",
        ),
        "strategy.output-cut": Rule(
            "The strategy prints too much", "A print that was left in its code.", "strategy-raised"
        ),
        "bot.lost": Rule(
            "The bot's program is lost",
            "It ended by itself, or made no call and no heartbeat for strategy.silent_after_s.",
            "strategy-raised",
        ),
        "bot.ended": Rule(
            "The bot's program was ended",
            "The watchdog's leave ran out: it is away, or keeps this trader out.",
            "strategy-raised",
        ),
        "trader.blind": Rule(
            "The trader sees no new blocks",
            "The gateway or every endpoint behind it is away.",
            "network-failure",
        ),
        # --- the devnet ---
        "devnet.*": Rule(
            "The local chain has trouble",
            "Its node ended or answers late; there is a devnet in the demo and tests only.",
            "process-lost#devnet",
        ),
        # --- every process ---
        "logger.cannot-write": Rule(
            "Log lines are being lost",
            "The disk is full or failing, or logs/ lost its rights.",
            "degraded-health#disk",
        ),
        "bus.undecodable": Rule(
            "A message was not understood",
            "Processes of two versions run together, or a foreign program speaks on the bus.",
            "degraded-health#messages-are-not-understood",
        ),
    }
)
