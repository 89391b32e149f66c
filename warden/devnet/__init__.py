"""A local chain with real Uniswap V2 behind three faultable endpoints, for the demo and the tests."""
