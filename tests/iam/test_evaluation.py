"""Who may deliver flow logs, as IAM decides it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.iam import Decision, Role, RoleDecision, allows, flow_log_delivery, log_permissions, trusts
from labkit.iam.services import LOG_ACTIONS, WRITE_ACTIONS

ACCOUNT = "123456789012"
FLOW_LOG = f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc-flow-log/fl-0123456789abcdef0"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:NimbusVPCFlowLogsGroup"
STREAM = f"{GROUP}:log-stream:eni-01ab329f120ebcf5-all"
SERVICE = {"Service": "vpc-flow-logs.amazonaws.com"}
AWS_PAGE_ACTIONS = list(LOG_ACTIONS)


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any = "logs:PutLogEvents", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "logs:PutLogEvents", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def trust(principal: Any = SERVICE, **more: Any) -> dict[str, Any]:
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


def put(*policies: Any, context: dict[str, str] | None = None) -> Decision:
    return allows(by_name(policies), "logs:PutLogEvents", STREAM, context)


def by_name(policies: tuple[Any, ...]) -> dict[str, Any]:
    """The policies of a role, by the names that messages give them."""
    if len(policies) == 1:
        return {"the permissions policy": policies[0]}
    return {f"permissions policy {number}": each for number, each in enumerate(policies, 1)}


def assume(trust_policy: Any) -> Decision:
    context = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": FLOW_LOG}
    return trusts(trust_policy, "vpc-flow-logs.amazonaws.com", context)


def asked_for(*policies: Any) -> tuple[Decision, ...]:
    """What IAM decides about all five actions of AWS's page."""
    own = {"account": ACCOUNT, "region": "us-east-1", "log_group": "NimbusVPCFlowLogsGroup"}
    return log_permissions(by_name(policies), LOG_ACTIONS, **own)


def deliver(trust_policy: Any, *policies: Any, **more: Any) -> RoleDecision:
    return flow_log_delivery(
        Role("NimbusVPCFlowLogsRole", trust_policy, by_name(policies)),
        account=ACCOUNT,
        region="us-east-1",
        flow_log_id="fl-0123456789abcdef0",
        log_group="NimbusVPCFlowLogsGroup",
        **more,
    )


class TestEvaluation:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html"""

    def test_every_request_is_denied_by_default(self) -> None:
        decision = put(policy(allow("s3:GetObject")))
        assert not decision
        assert decision.reason.startswith(f"Nothing allows logs:PutLogEvents on {STREAM}")

    def test_an_allow_overrides_the_default_and_is_named(self) -> None:
        decision = put(policy(allow("s3:GetObject"), allow(Sid="Write")))
        assert decision.allowed
        assert decision.reason == f"Statement 2 (Write) of the permissions policy allows logs:PutLogEvents on {STREAM}."

    @pytest.mark.parametrize("order", [0, 1])
    def test_an_explicit_deny_overrides_an_allow_in_any_order_and_any_policy(self, order: int) -> None:
        policies = [policy(allow()), policy(deny())]
        decision = put(*(policies[::-1] if order else policies))
        assert not decision
        assert f"Statement 1 of permissions policy {1 if order else 2} denies" in decision.reason

    def test_a_deny_of_something_else_changes_nothing(self) -> None:
        assert put(policy(allow(), deny("logs:DeleteLogGroup")))

    def test_a_role_without_policies_may_nothing(self) -> None:
        assert not put()
        assert put().reason == "The role has no permissions policy, so nothing allows logs:PutLogEvents."

    def test_a_statement_that_nearly_applies_is_shown(self) -> None:
        other = f"{GROUP}2:*"
        assert f": statement 1 of the permissions policy is for {other}." in put(policy(allow("*", other))).reason

    def test_statement_may_be_one_object_and_the_document_text(self) -> None:
        assert put(json.dumps({"Version": "2012-10-17", "Statement": allow()}))
        assert put({"Statement": allow()})


class TestActions:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html"""

    @pytest.mark.parametrize("action", ["*", "logs:*", "logs:Put*", "logs:PutLogEvent?", "LOGS:putlogevents"])
    def test_wildcards_stand_for_text_and_case_does_not_matter(self, action: str) -> None:
        assert put(policy(allow(action)))
        assert put(policy(allow(["s3:GetObject", action])))

    @pytest.mark.parametrize("action", ["logs:Put", "logs:PutLogEvents?", "log:*", "logs:[P]utLogEvents"])
    def test_nothing_else_does(self, action: str) -> None:
        assert not put(policy(allow(action)))

    def test_not_action_is_everything_but(self) -> None:
        assert put(policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}))
        assert not put(policy({"Effect": "Allow", "NotAction": ["iam:*", "logs:Put*"], "Resource": "*"}))


class TestResources:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""

    @pytest.mark.parametrize(
        "resource", ["*", "arn:aws:logs:*:*:*", f"{GROUP}:*", STREAM, f"{GROUP}:log-stream:eni-????329f120ebcf5-all"]
    )
    def test_wildcards_in_arns(self, resource: str) -> None:
        assert put(policy(allow(resource=[f"{GROUP}-other:*", resource])))

    @pytest.mark.parametrize("resource", [GROUP, f"{GROUP.lower()}:*", GROUP.replace("us-east-1", "us-west-2") + ":*"])
    def test_a_group_without_the_colon_star_and_another_case_or_region_are_other_resources(self, resource: str) -> None:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
        assert not put(policy(allow(resource=resource)))

    def test_not_resource_is_everything_but(self) -> None:
        def but(resource: str) -> dict[str, Any]:
            return policy({"Effect": "Allow", "Action": "logs:*", "NotResource": resource})

        assert put(but(f"{GROUP}-other:*"))
        assert not put(but(f"{GROUP}:*"))


class TestPrincipals:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""

    @pytest.mark.parametrize(
        "principal", [SERVICE, {"Service": ["ec2.amazonaws.com", "vpc-flow-logs.amazonaws.com"]}, "*"]
    )
    def test_a_trust_policy_names_the_service_alone_or_among_others_or_everyone(self, principal: Any) -> None:
        assert assume(trust(principal))

    @pytest.mark.parametrize(
        "principal",
        [
            {"Service": "ec2.amazonaws.com"},
            {"Service": "*"},
            {"AWS": "vpc-flow-logs.amazonaws.com"},
            {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            # any user, session or root of any account; a service is none of them
            {"AWS": "*"},
        ],
    )
    def test_other_principals_are_not_the_flow_logs_service(self, principal: Any) -> None:
        decision = assume(trust(principal))
        assert not decision
        assert "statement 1 of the trust policy is for " in decision.reason

    def test_not_principal_is_everyone_but(self) -> None:
        statement = {"Effect": "Deny", "NotPrincipal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:*"}
        decision = assume(policy(*trust()["Statement"], statement))
        assert not decision and "Statement 2 of the trust policy denies" in decision.reason

    def test_the_action_of_a_trust_policy_is_assume_role(self) -> None:
        assert not assume(policy({"Effect": "Allow", "Principal": SERVICE, "Action": "sts:TagSession"}))


class TestConditions:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""

    @pytest.mark.parametrize("flow_log", [FLOW_LOG, f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc-flow-log/*"])
    def test_the_conditions_that_the_flow_logs_page_recommends(self, flow_log: str) -> None:
        recommended = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": flow_log}}
        assert assume(trust(Condition=recommended))

    @pytest.mark.parametrize(
        "condition",
        [
            {"StringEquals": {"aws:SourceAccount": "210987654321"}},
            {"ArnLike": {"aws:SourceArn": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc-flow-log/*"}},
            {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}},
        ],
        ids=["account", "region", "one of two"],
    )
    def test_every_condition_must_hold(self, condition: Any) -> None:
        decision = assume(trust(Condition=condition))
        assert not decision
        assert "statement 1 of the trust policy asks for " in decision.reason

    @pytest.mark.parametrize(
        ("operator", "value", "holds"),
        [
            ("StringEquals", "a/b", True),
            ("StringEquals", ["x", "a/b"], True),
            ("StringEquals", "a/*", False),
            ("StringEquals", "A/B", False),
            ("StringEqualsIgnoreCase", "A/B", True),
            ("StringLike", "a/?", True),
            ("StringLike", ["x*", "*b"], True),
            ("StringLike", "A*", False),
            ("StringNotEquals", "a/b", False),
            ("StringNotEquals", ["x", "a/b"], False),
            ("StringNotEquals", ["x", "y"], True),
            ("StringNotEqualsIgnoreCase", "A/B", False),
            ("StringNotLike", "a*", False),
            ("StringNotLike", "b*", True),
        ],
    )
    def test_string_operators(self, operator: str, value: Any, holds: bool) -> None:
        statement = allow(Condition={operator: {"aws:Key": value}})
        assert put(policy(statement), context={"AWS:key": "a/b"}).allowed is holds

    @pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike"])
    @pytest.mark.parametrize(
        ("pattern", "matches"),
        [
            (FLOW_LOG, True),
            ("arn:aws:ec2:*:*:vpc-flow-log/fl-*", True),
            # "Each of the six colon-delimited components of the ARN is checked separately"
            ("arn:aws:ec2:*:vpc-flow-log/*", False),
            ("arn:aws:ec2:us-east-1", False),
            ("arn:aws:ec2:us-east-1:*:vpc-*/fl-1", False),
        ],
    )
    def test_arn_operators_behave_alike_and_so_do_their_negations(
        self, operator: str, pattern: str, matches: bool
    ) -> None:
        assert assume(trust(Condition={operator: {"aws:SourceArn": pattern}})).allowed is matches
        negated = operator.replace("Arn", "ArnNot")
        assert assume(trust(Condition={negated: {"aws:SourceArn": pattern}})).allowed is not matches

    @pytest.mark.parametrize("value", ["true", True, "TRUE"])
    def test_bool(self, value: Any) -> None:
        statement = allow(Condition={"Bool": {"aws:ViaAWSService": value}})
        assert put(policy(statement), context={"aws:ViaAWSService": "true"})
        assert not put(policy(statement), context={"aws:ViaAWSService": "false"})

    def test_a_json_boolean_is_the_text_true_or_false(self) -> None:
        assert put(policy(allow(Condition={"StringEquals": {"k": True}})), context={"k": "true"})

    @pytest.mark.parametrize(
        ("operator", "holds"),
        [("StringEquals", False), ("StringNotEquals", True), ("StringEqualsIfExists", True), ("Bool", False)],
    )
    def test_a_key_that_the_request_lacks_fails_only_operators_that_ask_for_a_match(
        self, operator: str, holds: bool
    ) -> None:
        assert put(policy(allow(Condition={operator: {"aws:SourceArn": "x"}}))).allowed is holds

    def test_if_exists_still_compares_a_key_that_is_there(self) -> None:
        assert not put(policy(allow(Condition={"StringLikeIfExists": {"k": "x"}})), context={"k": "y"})


class TestWhatLabkitDoesNotKnow:
    @pytest.mark.parametrize(
        "operator", ["IpAddress", "DateLessThan", "Null", "ForAnyValue:StringEquals", "StringEqual", "NotArnLike"]
    )
    def test_an_unknown_operator_is_never_skipped(self, operator: str) -> None:
        decision = put(policy(allow(Condition={operator: {"aws:SourceIp": "10.0.0.0/8"}})))
        assert not decision
        assert f"labkit doesn't know the condition operator {operator}." in decision.reason

    def test_in_a_deny_it_counts_as_denied(self) -> None:
        decision = put(policy(allow(), deny(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})))
        assert not decision
        assert "It is a Deny, so the request counts as denied." in decision.reason

    def test_it_does_not_matter_where_another_statement_allows_or_another_condition_fails(self) -> None:
        unknown = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        assert put(policy(allow(Condition=unknown), allow()))
        assert put(policy(allow(), deny(Condition={**unknown, "StringEquals": {"k": "x"}})), context={"k": "y"})

    def test_policy_variables_are_not_resolved(self) -> None:
        decision = put(policy(allow(resource="arn:aws:logs:*:*:log-group:${aws:username}:*")))
        assert not decision
        assert "labkit doesn't resolve policy variables" in decision.reason
        assert put(policy(allow(resource=["arn:aws:logs:*:*:log-group:${aws:username}:*", "*"])))


class TestMalformedDocuments:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""

    @pytest.mark.parametrize(
        ("document", "reason"),
        [
            ("{", "isn't JSON"),
            ("[" * 100_000, "isn't JSON"),
            ("[]", "has no Statement"),
            (None, "has no Statement"),
            ({"Version": "2012-10-17"}, "has no Statement"),
            ({"Version": "2012-10-18", "Statement": allow()}, "has the Version '2012-10-18'; write '2012-10-17'"),
            (policy("Allow"), "isn't an object with an Effect and an Action"),  # type: ignore[arg-type]
            (policy(allow(Actions="logs:*")), "has Actions, which doesn't belong"),
            (policy(allow(Principal="*")), "has Principal, which doesn't belong"),
            (policy({**allow(), "Effect": "allow"}), "needs the Effect Allow or Deny"),
            (policy(allow(NotAction="s3:*")), "needs either Action or NotAction"),
            (policy({"Effect": "Allow", "Action": "*"}), "needs either Resource or NotResource"),
            (policy(allow("PutLogEvents")), "name its service too"),
            (policy(allow([])), "The Action of statement 1 of permissions policy 2 is neither a text nor a list"),
            (policy(allow(resource="NimbusVPCFlowLogsGroup")), "neither an ARN nor"),
            (policy(allow(Condition={"StringEquals": "x"})), "needs a Condition like"),
            (
                policy(allow(Condition={"StringEquals": {"k": {}}})),
                "The Condition of statement 1 of permissions",
            ),
        ],
    )
    def test_the_reason_says_what_is_wrong(self, document: Any, reason: str) -> None:
        decision = put(policy(allow()), document)
        assert not decision
        assert reason in decision.reason and "IAM refuses such a policy." in decision.reason

    @pytest.mark.parametrize("principal", ["vpc-flow-logs.amazonaws.com", ["*"], None])
    def test_a_principal_is_an_object_or_a_star(self, principal: Any) -> None:
        assert "needs a Principal like" in assume(trust(principal)).reason

    def test_a_trust_policy_has_no_resource(self) -> None:
        assert "has Resource, which doesn't belong" in assume(trust(Resource="*")).reason

    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("*"),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
        max_leaves=5,
    )
    elements = st.sampled_from(
        ["Effect", "Principal", "NotPrincipal", "Action", "Resource", "NotResource", "Condition"]
    )
    good = st.sampled_from(["Allow", "Deny", "*", "sts:*", "logs:*"])

    @given(st.dictionaries(elements, good | anything))
    def test_no_document_raises(self, statement: dict[str, Any]) -> None:
        for document in (policy(statement), statement, json.dumps(statement)):
            for decision in (assume(document), put(document)):
                assert decision.reason.endswith(".")


class TestDelivery:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""

    def test_the_role_of_aws_page_delivers(self) -> None:
        decision = deliver(trust(), policy(allow(AWS_PAGE_ACTIONS)))
        assert decision
        assert decision.reason.startswith(
            "Statement 1 of the trust policy allows sts:AssumeRole by vpc-flow-logs.amazonaws.com."
        )

    def test_the_service_speaks_for_the_flow_log_and_its_account(self) -> None:
        only_this = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnEquals": {"aws:SourceArn": FLOW_LOG}}
        assert deliver(trust(Condition=only_this), policy(allow(AWS_PAGE_ACTIONS)))

    def test_without_the_trust_the_permissions_do_not_help(self) -> None:
        # "The IAM role does not have a trust relationship with the flow logs service":
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
        decision = deliver(trust({"Service": "ec2.amazonaws.com"}), policy(allow("*")))
        assert not decision
        assert "Service:ec2.amazonaws.com" in decision.reason

    @pytest.mark.parametrize("missing", WRITE_ACTIONS)
    def test_each_action_that_writes_is_needed(self, missing: str) -> None:
        decision = deliver(trust(), policy(allow([action for action in AWS_PAGE_ACTIONS if action != missing])))
        assert not decision
        assert f"Nothing allows {missing} on " in decision.reason

    def test_all_that_is_missing_is_named(self) -> None:
        reason = deliver(trust(), policy(allow("logs:Create*"))).reason
        assert reason.startswith("Nothing allows logs:PutLogEvents on ")
        assert reason.endswith("Not allowed either: logs:DescribeLogStreams.")

    def test_the_default_role_of_the_cdk_delivers(self) -> None:
        """Modeled, since it is in wide use; https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-ec2/lib/vpc-flow-logs.ts"""
        actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
        pass_role = allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/NimbusVPCFlowLogsRole")
        assert deliver(trust(), policy(allow(actions, f"{GROUP}:*"), pass_role))

    def test_create_log_group_is_needed_only_where_the_group_does_not_exist(self) -> None:
        # Modeled: the page lists it, and public modules that make the group themselves leave it out.
        permissions = policy(allow([action for action in AWS_PAGE_ACTIONS if action != "logs:CreateLogGroup"]))
        assert deliver(trust(), permissions)
        decision = deliver(trust(), permissions, log_group_exists=False)
        assert not decision
        assert f"Nothing allows logs:CreateLogGroup on {GROUP}:" in decision.reason

    @pytest.mark.parametrize("resource", [f"{GROUP}:*", f"{GROUP}*", f"{GROUP}:log-stream:*", "arn:aws:logs:*:*:*"])
    def test_a_policy_for_this_group_alone_is_enough(self, resource: str) -> None:
        permissions = policy(allow(AWS_PAGE_ACTIONS, resource))
        assert deliver(trust(), permissions)
        # Modeled for DescribeLogGroups, which IAM checks on an empty group name.
        assert all(asked_for(permissions))

    def test_describe_log_groups_may_be_allowed_on_all_groups_and_the_rest_on_one(self) -> None:
        every_group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group::log-stream:*"
        rest = [action for action in LOG_ACTIONS if action != "logs:DescribeLogGroups"]
        assert all(asked_for(policy(allow("logs:DescribeLogGroups", every_group), allow(rest, f"{GROUP}:*"))))

    @pytest.mark.parametrize("resource", [GROUP, f"{GROUP}2:*", f"arn:aws:logs:eu-west-1:{ACCOUNT}:*"])
    def test_a_policy_for_another_resource_is_not(self, resource: str) -> None:
        assert not deliver(trust(), policy(allow(AWS_PAGE_ACTIONS, resource)))

    def test_a_deny_on_the_group_stops_delivery(self) -> None:
        decision = deliver(trust(), policy(allow("*")), policy(deny("logs:PutLogEvents", f"{GROUP}:*", Sid="Freeze")))
        assert not decision
        assert decision.reason.startswith("Statement 1 (Freeze) of permissions policy 2 denies logs:PutLogEvents")
