"""Made-up identities of resources, in the form that AWS gives them."""

REGION = "eu-central-1"
ACCOUNT = "123456789012"

# The service and the part after the account, by resource type; `{}` is the resource's name.
FORMS = {
    "aws_backup_vault": ("backup", "backup-vault:{}"),
    "aws_cloudwatch_event_bus": ("events", "event-bus/{}"),
    "aws_cloudwatch_event_rule": ("events", "rule/{}"),
    "aws_cloudwatch_log_group": ("logs", "log-group:{}"),
    "aws_cloudwatch_metric_alarm": ("cloudwatch", "alarm:{}"),
    "aws_cognito_user_pool": ("cognito-idp", "userpool/{}"),
    "aws_dynamodb_table": ("dynamodb", "table/{}"),
    "aws_ecr_repository": ("ecr", "repository/{}"),
    "aws_ecs_cluster": ("ecs", "cluster/{}"),
    "aws_ecs_task_definition": ("ecs", "task-definition/{}:1"),
    "aws_iam_role": ("iam", "role/{}"),
    "aws_kms_key": ("kms", "key/{}"),
    "aws_lb": ("elasticloadbalancing", "loadbalancer/app/{}"),
    "aws_lb_listener_rule": ("elasticloadbalancing", "listener-rule/app/{}"),
    "aws_lb_target_group": ("elasticloadbalancing", "targetgroup/{}"),
    "aws_rds_cluster": ("rds", "cluster:{}"),
    "aws_s3_bucket": ("s3", "{}"),
    "aws_secretsmanager_secret": ("secretsmanager", "secret:{}"),
    "aws_sesv2_configuration_set": ("ses", "configuration-set/{}"),
    "aws_sesv2_email_identity": ("ses", "identity/{}"),
    "aws_sns_topic": ("sns", "{}"),
    "aws_sqs_queue": ("sqs", "{}"),
}

NAMES = ("name", "bucket", "family", "identifier", "cluster_identifier", "configuration_set_name", "email_identity", "alarm_name")

# What data sources answer.
DATA = {
    "aws_caller_identity": {"account_id": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "id": ACCOUNT},
    "aws_partition": {"partition": "aws", "dns_suffix": "amazonaws.com", "id": "aws"},
    "aws_region": {"region": REGION, "name": REGION, "id": REGION},
}


def arn(resource_type: str, config: dict) -> str | None:
    """Returns the ARN of a resource, or nothing while its name is unknown."""
    name = next((config[key] for key in NAMES if isinstance(config.get(key), str)), None)
    if name is None:
        return None
    service, form = FORMS.get(resource_type, (resource_type.removeprefix("aws_"), "{}"))
    region = "" if service in ("iam", "s3") else REGION
    account = "" if service == "s3" else ACCOUNT
    return f"arn:aws:{service}:{region}:{account}:{form.format(name)}"


def unnamed(seed: str) -> str:
    """Returns an ARN of a resource that has no name in the configuration."""
    return f"arn:aws:made-up:{REGION}:{ACCOUNT}:{seed}"
