locals {
  is_service           = var.scaling != null
  behind_load_balancer = var.scaling != null && var.load_balancer != null
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:The group of a process that ends by itself is named by whoever runs its task
  name_prefix = "${var.name}-"
  description = "Tasks of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = { Name = var.name }

  lifecycle {
    create_before_destroy = true
  }
}

# Stripe, Temporal Cloud and AWS have no fixed ranges of addresses.
resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = { for port in var.egress_ports : tostring(port) => port }

  security_group_id = aws_security_group.this.id
  description       = "Calls to port ${each.value}"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  count = local.behind_load_balancer ? 1 : 0

  security_group_id            = aws_security_group.this.id
  description                  = "Requests and health checks of the load balancer"
  referenced_security_group_id = var.load_balancer.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.load_balancer.port
  to_port                      = var.load_balancer.port
}

resource "aws_ecs_service" "this" {
  count = local.is_service ? 1 : 0

  name                              = var.name
  cluster                           = var.cluster_arn
  task_definition                   = aws_ecs_task_definition.this.arn
  desired_count                     = var.scaling.min
  launch_type                       = "FARGATE"
  availability_zone_rebalancing     = "ENABLED"
  enable_execute_command            = false
  enable_ecs_managed_tags           = true
  propagate_tags                    = "SERVICE"
  health_check_grace_period_seconds = local.behind_load_balancer ? 60 : null

  # New tasks run before old ones stop.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  deployment_configuration {
    strategy             = local.behind_load_balancer ? "BLUE_GREEN" : "ROLLING"
    bake_time_in_minutes = local.behind_load_balancer ? var.load_balancer.bake_time_in_minutes : null
  }

  dynamic "load_balancer" {
    for_each = local.behind_load_balancer ? [var.load_balancer] : []

    content {
      container_name   = var.process
      container_port   = load_balancer.value.port
      target_group_arn = load_balancer.value.blue.arn

      advanced_configuration {
        alternate_target_group_arn = load_balancer.value.green.arn
        production_listener_rule   = load_balancer.value.production_rule_arn
        test_listener_rule         = load_balancer.value.test_rule_arn
        role_arn                   = aws_iam_role.deployment[0].arn
      }
    }
  }

  dynamic "alarms" {
    for_each = local.behind_load_balancer ? [1] : []

    content {
      enable      = true
      rollback    = true
      alarm_names = [for alarm in aws_cloudwatch_metric_alarm.errors : alarm.alarm_name]
    }
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = false
  }

  # The number of tasks belongs to the scaling policies.
  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_iam_role_policy_attachment.deployment]
}
