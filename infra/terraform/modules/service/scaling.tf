resource "aws_appautoscaling_target" "this" {
  count = local.is_service ? 1 : 0

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster_name}/${aws_ecs_service.this[0].name}"
  min_capacity       = var.scaling.min
  max_capacity       = var.scaling.max
}

resource "aws_appautoscaling_policy" "cpu" {
  count = local.is_service ? 1 : 0

  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.scaling.cpu_target
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

# Of the two policies, the one that asks for more tasks wins.
resource "aws_appautoscaling_policy" "backlog" {
  count = try(var.scaling.backlog, null) == null ? 0 : 1

  name               = "backlog"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.scaling.backlog.per_task
    scale_in_cooldown  = 300
    scale_out_cooldown = 30

    customized_metric_specification {
      metrics {
        id          = "backlog"
        label       = "Tasks that wait in the queue"
        return_data = false

        metric_stat {
          stat = "Maximum"

          metric {
            namespace   = var.scaling.backlog.namespace
            metric_name = var.scaling.backlog.metric

            dynamic "dimensions" {
              for_each = var.scaling.backlog.dimensions

              content {
                name  = dimensions.key
                value = dimensions.value
              }
            }
          }
        }
      }

      metrics {
        id          = "running"
        label       = "Running tasks of the service"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"

            dimensions {
              name  = "ClusterName"
              value = var.cluster_name
            }

            dimensions {
              name  = "ServiceName"
              value = aws_ecs_service.this[0].name
            }
          }
        }
      }

      metrics {
        id          = "per_task"
        label       = "Backlog per running task"
        expression  = "backlog / running"
        return_data = true
      }
    }
  }
}
