"""Allowed values of attributes, which are not part of the provider's schema.

The AWS API has an enumeration behind many attributes, under the same name in camel case. `botocore` describes the API of
every service, so a value that no enumeration of the service contains is refused. Attributes for which the provider has its
own values are exceptions.
"""

import botocore.session

# The service of `botocore` for a resource type, by the longest prefix that matches.
SERVICES = {
    "aws_appautoscaling_": "application-autoscaling",
    "aws_backup_": "backup",
    "aws_budgets_": "budgets",
    "aws_cloudfront_": "cloudfront",
    "aws_cloudwatch_event_": "events",
    "aws_cloudwatch_log_": "logs",
    "aws_cloudwatch_metric_alarm": "cloudwatch",
    "aws_cognito_": "cognito-idp",
    "aws_dynamodb_": "dynamodb",
    "aws_ecr_": "ecr",
    "aws_ecs_": "ecs",
    "aws_flow_log": "ec2",
    "aws_kms_": "kms",
    "aws_lb": "elbv2",
    "aws_s3_": "s3",
    "aws_sesv2_": "sesv2",
    "aws_sns_": "sns",
    "aws_vpc_endpoint": "ec2",
    "aws_wafv2_": "wafv2",
}

# The provider's own values: it translates them, or takes more than the API.
EXCEPTIONS = {
    ("aws_lb_listener", "protocol"),
    ("aws_lb_target_group", "protocol"),
    ("aws_lb_target_group", "port"),
}


class AllowedValues:
    """The enumerations of the services that a configuration uses."""

    def __init__(self):
        self.session = botocore.session.Session()
        self.services: dict[str, dict[str, set[str]]] = {}

    def mistakes(self, resource_type: str, block: dict, config, path: tuple = ()):
        """Yields the path and a message for every value that the service does not know."""
        service = next((SERVICES[prefix] for prefix in sorted(SERVICES, key=len, reverse=True) if resource_type.startswith(prefix)), None)
        if service is None or not isinstance(config, dict):
            return
        enumerations = self.enumerations(service)
        for name, value in config.items():
            if name in block.get("attributes", {}):
                allowed = enumerations.get(name.replace("_", ""))
                if allowed and isinstance(value, str) and value not in allowed and (resource_type, name) not in EXCEPTIONS:
                    yield (*path, name), f"{name} is {value!r}, and {service} takes {', '.join(sorted(allowed))}."
            elif name in block.get("block_types", {}):
                nested = block["block_types"][name]["block"]
                for index, item in enumerate(value if isinstance(value, list) else [value]):
                    yield from self.mistakes(resource_type, nested, item, (*path, name, index))

    def enumerations(self, service: str) -> dict[str, set[str]]:
        """Returns the values by the lower-case name of a member; only where every member of that name has an enumeration."""
        if service not in self.services:
            model = self.session.get_service_model(service)
            found: dict[str, set[str] | None] = {}
            for shape in model.shape_names:
                members = getattr(model.shape_for(shape), "members", {})
                for name, member in members.items():
                    values = getattr(member, "enum", None)
                    key = name.lower()
                    if not values:
                        found[key] = None
                    elif found.get(key, set()) is not None:
                        found[key] = found.get(key, set()) | set(values)
            self.services[service] = {name: values for name, values in found.items() if values}
        return self.services[service]
