resource "aws_cloudwatch_metric_alarm" "tasks" {
  count = local.is_service ? 1 : 0

  alarm_name          = "${var.name}-tasks-missing"
  alarm_description   = "Fewer tasks run than should: look at the service's events and the log of the task that stopped."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  treat_missing_data  = "breaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]

  metric_query {
    id          = "missing"
    label       = "Missing tasks"
    expression  = "desired - running"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { desired = "DesiredTaskCount", running = "RunningTaskCount" }

    content {
      id = metric_query.key

      metric {
        namespace   = "ECS/ContainerInsights"
        metric_name = metric_query.value
        period      = 60
        stat        = "Average"
        dimensions  = { ClusterName = var.cluster_name, ServiceName = var.name }
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "utilization" {
  for_each = local.is_service ? { cpu = "CPUUtilization", memory = "MemoryUtilization" } : {}

  alarm_name          = "${var.name}-${each.key}-high"
  alarm_description   = "Tasks use more than 85 % of their ${each.key} for a quarter of an hour: raise the largest number of tasks, or their size."
  namespace           = "AWS/ECS"
  metric_name         = each.value
  dimensions          = { ClusterName = var.cluster_name, ServiceName = var.name }
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 15
  threshold           = 85
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]
}

# Each target group has one, because a deployment fills either.
resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = local.behind_load_balancer ? { blue = var.load_balancer.blue.arn_suffix, green = var.load_balancer.green.arn_suffix } : {}

  alarm_name          = "${var.name}-errors-${each.key}"
  alarm_description   = "The process answers with 5xx. During a deployment this rolls it back; otherwise look at its log."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_Target_5XX_Count"
  dimensions          = { LoadBalancer = var.load_balancer.arn_suffix, TargetGroup = each.value }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = var.load_balancer.max_errors
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]
}

# Until metrics of the process are collected, its log says what somebody has to look at.
resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = var.log_alarms

  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.this.name
  pattern        = "{ $.message = \"${each.value.message}\" }"

  metric_transformation {
    name          = "${var.name}-${each.key}"
    namespace     = "Kassa"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "log" {
  for_each = var.log_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = aws_cloudwatch_log_metric_filter.this[each.key].metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.this[each.key].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
}
