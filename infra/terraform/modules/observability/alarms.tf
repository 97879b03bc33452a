locals {
  # Simple alarms: one metric, compared with a number. Each says what to do.
  alarms = merge(
    {
      for queue in var.dead_letter_queue_names : "${queue}-not-empty" => {
        description = "An event was not delivered or not handled: read it, fix its consumer, and redrive the queue."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = queue }
        statistic   = "Maximum"
        threshold   = 0
      }
    },
    merge([
      for name, table in var.table_names : {
        for metric, text in {
          ReadThrottleEvents  = "Reads are throttled: a partition is hotter than DynamoDB allows."
          WriteThrottleEvents = "Writes are throttled: a partition is hotter than DynamoDB allows."
        } :
        "${table}-${lower(metric)}" => {
          description = text
          namespace   = "AWS/DynamoDB"
          metric      = metric
          dimensions  = { TableName = table }
          statistic   = "Sum"
          threshold   = 0
          periods     = 5
          datapoints  = 3
        }
      }
    ]...),
    {
      "${var.name}-database-at-limit" = {
        description = "The database has been at its largest capacity for a quarter of an hour: raise it, or find the statement."
        namespace   = "AWS/RDS"
        metric      = "ServerlessDatabaseCapacity"
        dimensions  = { DBClusterIdentifier = var.cluster_identifier }
        statistic   = "Maximum"
        threshold   = var.max_capacity * 0.95
        periods     = 15
      }
      "${var.name}-database-connections" = {
        description = "More connections than usual are open to the database."
        namespace   = "AWS/RDS"
        metric      = "DatabaseConnections"
        dimensions  = { DBClusterIdentifier = var.cluster_identifier }
        statistic   = "Maximum"
        threshold   = var.max_connections
        periods     = 5
      }
      "${var.name}-load-balancer-errors" = {
        description = "The load balancer itself answers with 5xx: no task is healthy, or none answers in time."
        namespace   = "AWS/ApplicationELB"
        metric      = "HTTPCode_ELB_5XX_Count"
        dimensions  = { LoadBalancer = var.load_balancer.arn_suffix }
        statistic   = "Sum"
        threshold   = 10
        periods     = 3
        datapoints  = 2
      }
      # SES stops an account at 10 % and at 0.5 %.
      "${var.name}-mail-bounces" = {
        description = "Too much mail of the account comes back: SES will stop sending. Look at the queue of mail feedback."
        namespace   = "AWS/SES"
        metric      = "Reputation.BounceRate"
        dimensions  = {}
        statistic   = "Maximum"
        threshold   = 0.03
        period      = 3600
      }
      "${var.name}-mail-complaints" = {
        description = "Too many customers mark mail of the account as spam: SES will stop sending."
        namespace   = "AWS/SES"
        metric      = "Reputation.ComplaintRate"
        dimensions  = {}
        statistic   = "Maximum"
        threshold   = 0.001
        period      = 3600
      }
    },
    {
      for color in ["blue", "green"] : "${var.name}-unhealthy-${color}" => {
        description = "Tasks of the API do not pass their health check: ask /ready of one for the dependency that is down."
        namespace   = "AWS/ApplicationELB"
        metric      = "UnHealthyHostCount"
        dimensions  = { LoadBalancer = var.load_balancer.arn_suffix, TargetGroup = var.load_balancer[color].arn_suffix }
        statistic   = "Maximum"
        threshold   = 0
        periods     = 5
      }
    },
  )

  # DynamoDB counts errors of its own per operation, so they are summed.
  operations = ["GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "TransactWriteItems"]
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = each.key
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  period              = try(each.value.period, 60)
  evaluation_periods  = try(each.value.periods, 1)
  datapoints_to_alarm = try(each.value.datapoints, each.value.periods, 1)
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "table_errors" {
  for_each = var.table_names

  alarm_name          = "${each.value}-systemerrors"
  alarm_description   = "DynamoDB fails on its own side: look at the health of AWS. Steps are retried meanwhile."
  threshold           = 5
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "all"
    label       = "System errors"
    expression  = "SUM(METRICS())"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.operations

    content {
      id = lower(metric_query.value)

      metric {
        namespace   = "AWS/DynamoDB"
        metric_name = "SystemErrors"
        period      = 60
        stat        = "Sum"
        dimensions  = { TableName = each.value, Operation = metric_query.value }
      }
    }
  }
}

# AWS Backup has no metric that says which job failed.
resource "aws_cloudwatch_event_rule" "backup" {
  name        = "${var.name}-backup-failed"
  description = "A backup was not made"
  state       = "ENABLED"

  event_pattern = jsonencode({
    source        = ["aws.backup"]
    "detail-type" = ["Backup Job State Change"]
    detail = {
      state           = ["ABORTED", "EXPIRED", "FAILED"]
      backupVaultName = [var.name]
    }
  })
}

resource "aws_cloudwatch_event_target" "backup" {
  rule      = aws_cloudwatch_event_rule.backup.name
  target_id = "alarms"
  arn       = aws_sns_topic.alarms.arn

  dead_letter_config {
    arn = var.undelivered_queue_arn
  }
}
