"""The data plane of the embedded AWS: packets on their way, and the flow logs that record them."""
