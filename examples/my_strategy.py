from warden.strategies import Market, Proposal, Strategy, swap


class MyStrategy(Strategy):
    def on_block(self, market: Market) -> list[Proposal]:
        path = [market.token(symbol) for symbol in ("WETH", "USDX", "GEM", "WETH")]
        amount = market.trade_max_wei // 10
        least = amount + 300_000 * market.gas_price_wei
        if amount == 0 or market.quote(path, amount) <= least:
            return []
        return [swap(path, amount, least)]
