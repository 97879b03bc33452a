"""Makes resources at an AWS stand-in, for the types that the local stack serves.

It is used when AWS_ENDPOINT_URL is set; AWS_ENDPOINT_URL_DYNAMODB may name another server for the tables. What it proves is that
the values of the configuration make a working whole, not that the provider would send them in the same way.
"""

import functools
import os

import botocore.session

import arns


def is_on() -> bool:
    return "AWS_ENDPOINT_URL" in os.environ


@functools.cache
def client(service: str):
    return botocore.session.get_session().create_client(service, region_name=arns.REGION)


def table(config: dict) -> dict:
    definition = {
        "TableName": config["name"],
        "BillingMode": config["billing_mode"],
        "KeySchema": key_schema(config["hash_key"], config["range_key"]),
        "AttributeDefinitions": [
            {"AttributeName": attribute["name"], "AttributeType": attribute["type"]} for attribute in config["attribute"]
        ],
    }
    local = [index(item, config["hash_key"]) for item in config["local_secondary_index"] or []]
    everywhere = [index(item, item["hash_key"]) for item in config["global_secondary_index"] or []]
    if local:
        definition["LocalSecondaryIndexes"] = local
    if everywhere:
        definition["GlobalSecondaryIndexes"] = everywhere
    dynamodb = client("dynamodb")
    made = dynamodb.create_table(**definition)["TableDescription"]
    dynamodb.get_waiter("table_exists").wait(TableName=config["name"], WaiterConfig={"Delay": 1})
    for ttl in config["ttl"] or []:
        specification = {"Enabled": ttl["enabled"], "AttributeName": ttl["attribute_name"]}
        dynamodb.update_time_to_live(TableName=config["name"], TimeToLiveSpecification=specification)
    return {"arn": made["TableArn"], "id": config["name"]}


def index(config: dict, partition: str) -> dict:
    return {
        "IndexName": config["name"],
        "KeySchema": key_schema(partition, config["range_key"]),
        "Projection": {"ProjectionType": config["projection_type"]},
    }


def key_schema(partition: str, sort: str | None) -> list[dict]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])


def queue(config: dict) -> dict:
    attributes = {
        "VisibilityTimeout": config["visibility_timeout_seconds"],
        "MessageRetentionPeriod": config["message_retention_seconds"],
        "ReceiveMessageWaitTimeSeconds": config["receive_wait_time_seconds"],
        "RedrivePolicy": config["redrive_policy"],
    }
    attributes = {name: str(value) for name, value in attributes.items() if value is not None}
    url = client("sqs").create_queue(QueueName=config["name"], Attributes=attributes)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {"id": url, "url": url, "arn": arn}


def queue_policy(config: dict) -> dict:
    client("sqs").set_queue_attributes(QueueUrl=config["queue_url"], Attributes={"Policy": config["policy"]})
    return {"id": config["queue_url"]}


def event_bus(config: dict) -> dict:
    return {"arn": client("events").create_event_bus(Name=config["name"])["EventBusArn"], "id": config["name"]}


def event_rule(config: dict) -> dict:
    made = client("events").put_rule(
        Name=config["name"],
        EventBusName=config["event_bus_name"],
        EventPattern=config["event_pattern"],
        State=config["state"],
    )
    return {"arn": made["RuleArn"], "id": f"{config['event_bus_name']}/{config['name']}"}


def event_target(config: dict) -> dict:
    target = {
        "Id": config["target_id"],
        "Arn": config["arn"],
        "DeadLetterConfig": {"Arn": config["dead_letter_config"][0]["arn"]},
        "RetryPolicy": {
            "MaximumEventAgeInSeconds": int(config["retry_policy"][0]["maximum_event_age_in_seconds"]),
            "MaximumRetryAttempts": int(config["retry_policy"][0]["maximum_retry_attempts"]),
        },
    }
    answer = client("events").put_targets(Rule=config["rule"], EventBusName=config["event_bus_name"], Targets=[target])
    if answer["FailedEntryCount"]:
        raise RuntimeError(f"the target of {config['rule']} was refused: {answer['FailedEntries']}")
    return {"id": f"{config['rule']}-{config['target_id']}"}


MAKERS = {
    "aws_cloudwatch_event_bus": event_bus,
    "aws_cloudwatch_event_rule": event_rule,
    "aws_cloudwatch_event_target": event_target,
    "aws_dynamodb_table": table,
    "aws_sqs_queue": queue,
    "aws_sqs_queue_policy": queue_policy,
}


def make(resource_type: str, config: dict) -> dict:
    """Makes a resource and returns the attributes that the server has decided; none for other types."""
    if not is_on() or resource_type not in MAKERS:
        return {}
    return MAKERS[resource_type](config)
