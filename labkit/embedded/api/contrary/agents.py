"""What an instance does by itself after its launch, and how long that takes."""

from __future__ import annotations

import re
from dataclasses import replace

from labkit.embedded.api.contrary import Behavior, Call, CarryOut
from labkit.embedded.api.refusals import HttpResponse
from labkit.embedded.instances.boot import Boot

#: How long after a launch or start the agent registers, and the user data ends, in seconds: the least and the most
#: (modeled).
_AGENT, _USER_DATA = (70.0, 100.0), (150.0, 210.0)


class AgentAndUserData(Behavior):
    """Lets an instance's boot take some minutes."""

    name = "agent-and-user-data"
    rule = (
        "The SSM agent of a new instance registers a minute or so after the instance runs: until then "
        "DescribeInstanceInformation leaves it out, and SendCommand refuses it with `InvalidInstanceId`. User data "
        "ends minutes after the launch: until then nothing that it installs is there. 70 to 210 seconds are modeled."
    )
    source = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        answer = carry_out()
        if call.service != "ec2" or answer[0] >= 400:
            return answer
        boots, now = self.account.boots, self.account.clock.time()
        ids = re.findall("<instanceId>(.*?)</instanceId>", answer[2])
        if call.action == "StartInstances":
            for id in ids:
                boots[id] = replace(boots.get(id, Boot()), agent_registers=now + self.random.uniform(*_AGENT))
        if call.action == "RunInstances":
            for id in ids:
                ends = now + self.random.uniform(*_USER_DATA) if call.parameters.get("UserData") else 0.0
                boots.setdefault(id, Boot(now + self.random.uniform(*_AGENT), ends))
        return answer
