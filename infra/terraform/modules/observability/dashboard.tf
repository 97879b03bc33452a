locals {
  region = data.aws_region.current.region

  widgets = [
    {
      title = "Requests and errors of the API"
      metrics = [
        ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", var.load_balancer.arn_suffix, { stat = "Sum" }],
        ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "LoadBalancer", var.load_balancer.arn_suffix, { stat = "Sum" }],
        ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "LoadBalancer", var.load_balancer.arn_suffix, { stat = "Sum" }],
      ]
    },
    {
      title = "Time to answer"
      metrics = [
        ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.load_balancer.arn_suffix, { stat = "p50" }],
        ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.load_balancer.arn_suffix, { stat = "p99" }],
      ]
    },
    {
      title   = "Running tasks"
      metrics = [for service in var.service_names : ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", var.ecs_cluster_name, "ServiceName", service]]
    },
    {
      title   = "CPU of tasks"
      metrics = [for service in var.service_names : ["AWS/ECS", "CPUUtilization", "ClusterName", var.ecs_cluster_name, "ServiceName", service]]
    },
    {
      title = "Database"
      metrics = [
        ["AWS/RDS", "ServerlessDatabaseCapacity", "DBClusterIdentifier", var.cluster_identifier, { stat = "Maximum" }],
        ["AWS/RDS", "DatabaseConnections", "DBClusterIdentifier", var.cluster_identifier, { stat = "Maximum" }],
      ]
    },
    {
      title   = "Writes to tables"
      metrics = [for table in values(var.table_names) : ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", table, { stat = "Sum" }]]
    },
    {
      title = "Events"
      metrics = [
        ["AWS/Events", "PutEventsEntriesCount", "EventBusName", var.event_bus_name, { stat = "Sum" }],
        ["AWS/Events", "FailedInvocations", "EventBusName", var.event_bus_name, { stat = "Sum" }],
      ]
    },
    {
      title   = "Dead letters"
      metrics = [for queue in var.dead_letter_queue_names : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, { stat = "Maximum" }]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [
      for index, widget in local.widgets : {
        type   = "metric"
        x      = index % 2 * 12
        y      = floor(index / 2) * 6
        width  = 12
        height = 6
        properties = {
          title   = widget.title
          region  = local.region
          view    = "timeSeries"
          period  = 60
          metrics = widget.metrics
        }
      }
    ]
  })
}
