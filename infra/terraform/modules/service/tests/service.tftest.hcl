mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  name                = "kassa-test-api"
  process             = "api"
  image               = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/kassa-test/kassa-api:2026.11.1"
  environment         = { KASSA_API_LISTEN = "0.0.0.0:8080", KASSA_CODEC_CLIENT_ID = null }
  secrets             = { KASSA_SIGNING_KEY = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kassa-test/KASSA_SIGNING_KEY" }
  secrets_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/secrets"
  log_kms_key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/logs"
  cluster_name        = "kassa-test"
  cluster_arn         = "arn:aws:ecs:eu-central-1:123456789012:cluster/kassa-test"
  vpc_id              = "vpc-1"
  subnet_ids          = ["subnet-1", "subnet-2"]
  egress_ports        = [443, 7233]
  alarm_topic_arn     = "arn:aws:sns:eu-central-1:123456789012:kassa-test-alarms"
  scaling             = { min = 2, max = 8 }

  statements = [{
    sid        = "Orders"
    actions    = ["rds-data:ExecuteStatement"]
    resources  = ["arn:aws:rds:eu-central-1:123456789012:cluster:kassa-test"]
    conditions = { StringEquals = { "aws:PrincipalAccount" = ["123456789012"] } }
  }]

  load_balancer = {
    port                = 8080
    security_group_id   = "sg-1"
    arn_suffix          = "app/kassa-test/1"
    blue                = { arn = "arn:blue", arn_suffix = "targetgroup/blue/1" }
    green               = { arn = "arn:green", arn_suffix = "targetgroup/green/1" }
    production_rule_arn = "arn:production"
    test_rule_arn       = "arn:test"
  }
}

run "the_container_has_no_powers" {
  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem &&
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "65532:65532" &&
      !jsondecode(aws_ecs_task_definition.this.container_definitions)[0].privileged &&
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.capabilities.drop == ["ALL"]
    )
    error_message = "The process runs read-only, as nobody, without capabilities."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout > 35
    error_message = "ECS waits longer than the worker's grace."
  }

  assert {
    condition     = aws_ecs_task_definition.this.runtime_platform[0].cpu_architecture == "ARM64"
    error_message = "Images are built for ARM."
  }
}

run "settings_and_secrets_are_apart" {
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment == [{ name = "KASSA_API_LISTEN", value = "0.0.0.0:8080" }]
    error_message = "Settings without a value are left out."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets[0].valueFrom == var.secrets["KASSA_SIGNING_KEY"]
    error_message = "Secrets are named, not copied."
  }
}

run "each_role_has_its_own_permissions_only" {
  assert {
    condition = jsondecode(aws_iam_role_policy.task.policy).Statement == [{
      Sid       = "Orders", Effect = "Allow", Action = ["rds-data:ExecuteStatement"],
      Resource  = ["arn:aws:rds:eu-central-1:123456789012:cluster:kassa-test"],
      Condition = { StringEquals = { "aws:PrincipalAccount" = ["123456789012"] } }
    }]
    error_message = "The process may do what it was given, and nothing else."
  }

  assert {
    condition     = toset([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Sid if s.Resource == "*"]) == toset(["Registry"])
    error_message = "Only the registry's token has no resource."
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Resource if s.Sid == "Secrets"]) == [var.secrets["KASSA_SIGNING_KEY"]]
    error_message = "The execution role reads its own secrets only."
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Resource if s.Sid == "Image"]) == "arn:aws:ecr:eu-central-1:123456789012:repository/kassa-test/kassa-api"
    error_message = "The execution role pulls its own image only."
  }

  assert {
    condition     = length(aws_iam_role_policy_attachments_exclusive.task.policy_arns) == 0 && length(aws_iam_role_policies_exclusive.task.policy_names) == 1
    error_message = "Permissions that are attached by hand are taken away."
  }
}

run "a_bad_deployment_goes_back" {
  assert {
    condition = (
      aws_ecs_service.this[0].deployment_circuit_breaker[0].rollback &&
      aws_ecs_service.this[0].deployment_configuration[0].strategy == "BLUE_GREEN" &&
      aws_ecs_service.this[0].alarms[0].rollback && length(aws_ecs_service.this[0].alarms[0].alarm_names) == 2
    )
    error_message = "Alarms of both target groups and the circuit breaker roll back."
  }

  assert {
    condition = (
      one(aws_ecs_service.this[0].load_balancer).target_group_arn == "arn:blue" &&
      one(aws_ecs_service.this[0].load_balancer).advanced_configuration[0].alternate_target_group_arn == "arn:green" &&
      one(aws_ecs_service.this[0].load_balancer).advanced_configuration[0].production_listener_rule == "arn:production"
    )
    error_message = "Traffic moves between the two target groups."
  }
}

run "tasks_are_not_public" {
  assert {
    condition     = !aws_ecs_service.this[0].network_configuration[0].assign_public_ip && !aws_ecs_service.this[0].enable_execute_command
    error_message = "Tasks have no public address and no shell."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.load_balancer[0].referenced_security_group_id == "sg-1" && toset(keys(aws_vpc_security_group_egress_rule.this)) == toset(["443", "7233"])
    error_message = "Only the load balancer calls tasks, and tasks call two ports."
  }
}

run "a_worker_rolls_and_follows_its_backlog" {
  variables {
    name          = "kassa-test-worker-2026-11-1"
    process       = "worker"
    load_balancer = null
    scaling = {
      min     = 2
      max     = 20
      backlog = { namespace = "Kassa", metric = "TaskQueueBacklog", dimensions = { TaskQueue = "kassa-checkout" }, per_task = 20 }
    }
  }

  assert {
    condition     = aws_ecs_service.this[0].deployment_configuration[0].strategy == "ROLLING" && length(aws_ecs_service.this[0].load_balancer) == 0 && length(aws_vpc_security_group_ingress_rule.load_balancer) == 0
    error_message = "Nobody calls a worker."
  }

  assert {
    condition     = length(aws_appautoscaling_policy.backlog) == 1 && aws_appautoscaling_target.this[0].min_capacity == 2
    error_message = "The backlog per task is a policy beside that of the CPU."
  }
}

run "a_migration_is_a_task_only" {
  variables {
    name          = "kassa-test-migrate"
    process       = "migrate"
    command       = ["migrate"]
    load_balancer = null
    scaling       = null
  }

  assert {
    condition = (
      length(aws_ecs_service.this) == 0 && length(aws_appautoscaling_target.this) == 0 && length(aws_cloudwatch_metric_alarm.tasks) == 0 &&
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command == ["migrate"]
    )
    error_message = "A process that ends has a task definition and no service."
  }
}

run "what_fargate_or_policy_would_refuse_is_refused" {
  command = plan

  variables {
    process      = "cron"
    image        = "kassa-api:latest"
    cpu          = 300
    stop_timeout = 30
    scaling      = { min = 3, max = 2 }
    statements   = [{ sid = "All", actions = ["dynamodb:*"], resources = ["*"] }]
  }

  expect_failures = [var.process, var.image, var.cpu, var.stop_timeout, var.scaling, var.statements]
}

run "memory_fits_the_cpu" {
  command = plan

  variables {
    memory = 512
  }

  expect_failures = [var.memory]
}
