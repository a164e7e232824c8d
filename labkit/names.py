"""The names that the notebooks give to what AWS finds by its own name rather than by a tag.

The checks, `lab.find` and clean-up all use them.
"""

LOG_GROUP = "NimbusVPCFlowLogsGroup"
DELIVERY_ROLE = "NimbusVPCFlowLogsRole"
POLICY = "NimbusVPCFlowLogsPolicy"
INSTANCE_ROLE = "NimbusInstanceRole"
INSTANCE_PROFILE = "NimbusInstanceProfile"
