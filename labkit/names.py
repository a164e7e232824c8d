"""The names that the notebooks give to what is found by its own name and not by a tag, in one place.

They belong to no room, so that finding, checking and cleaning up mean the same things.
"""

LOG_GROUP = "NimbusVPCFlowLogsGroup"
DELIVERY_ROLE = "NimbusVPCFlowLogsRole"
POLICY = "NimbusVPCFlowLogsPolicy"
INSTANCE_ROLE = "NimbusInstanceRole"
INSTANCE_PROFILE = "NimbusInstanceProfile"
