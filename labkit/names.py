"""The lab's tag, and the names that the notebooks give to what AWS finds by its own name rather than by a tag.

Such a name is unique in an account, so `lab.name` may return another one: where somebody else's thing has the name, or
where the account's owner gives roles instead of letting anybody make them. The checks, `lab.find` and clean-up all
start from here.
"""

#: The tag that marks what belongs to the lab, as EC2 and IAM take it.
LAB_TAG = {"Key": "Lab", "Value": "nimbus"}

#: How all names below begin, and no other thing of the lab's that AWS finds by its own name.
PREFIX = "Nimbus"

LOG_GROUP = "NimbusVPCFlowLogsGroup"
DELIVERY_ROLE = "NimbusVPCFlowLogsRole"
POLICY = "NimbusVPCFlowLogsPolicy"
INSTANCE_ROLE = "NimbusInstanceRole"
INSTANCE_PROFILE = "NimbusInstanceProfile"

#: The kind of thing that each name is for, as `lab.find` takes it.
KINDS = {
    LOG_GROUP: "log-group",
    DELIVERY_ROLE: "role",
    POLICY: "policy",
    INSTANCE_ROLE: "role",
    INSTANCE_PROFILE: "instance-profile",
}

#: What the owner of a sandbox gives in place of those that nobody else may make there: AWS Academy's names.
GIVEN = {"role": "LabRole", "instance-profile": "LabInstanceProfile"}
