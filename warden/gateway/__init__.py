"""RPC failover: reads for everyone over many endpoints. It sends nothing, ever."""
