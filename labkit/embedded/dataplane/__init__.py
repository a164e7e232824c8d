"""The data plane of the embedded AWS: it carries packets, and records them in flow logs."""
