data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:What happened to an order is in the database and in Temporal; logs serve operation
  name              = "/kassa/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
}

locals {
  container = merge(
    {
      name                   = var.process
      image                  = var.image
      essential              = true
      user                   = "65532:65532"
      readonlyRootFilesystem = true
      privileged             = false
      stopTimeout            = var.stop_timeout

      linuxParameters = {
        capabilities       = { drop = ["ALL"] }
        initProcessEnabled = false
      }

      environment = [for setting, value in var.environment : { name = setting, value = value } if value != null]
      secrets     = [for setting, arn in var.secrets : { name = setting, valueFrom = arn }]

      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = aws_cloudwatch_log_group.this.name
          "awslogs-region"        = data.aws_region.current.region
          "awslogs-stream-prefix" = var.process
          # A log that cannot be written must not stop orders.
          "mode"            = "non-blocking"
          "max-buffer-size" = "25m"
        }
      }
    },
    length(var.command) > 0 ? { command = var.command } : {},
    var.load_balancer == null ? {} : {
      portMappings = [{ containerPort = var.load_balancer.port, hostPort = var.load_balancer.port, protocol = "tcp" }]
    },
  )
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([local.container])

  # Rolling back needs the definitions of before.
  skip_destroy = true

  runtime_platform {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  # A task whose role cannot read its secrets yet would fail to start.
  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task]
}
