mock_provider "aws" {}

run "tasks_are_counted" {
  variables {
    name = "kassa-test"
  }

  assert {
    condition     = one([for setting in aws_ecs_cluster.this.setting : setting.value if setting.name == "containerInsights"]) == "enhanced"
    error_message = "The alarms on tasks need Container Insights."
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.this.capacity_providers == toset(["FARGATE"])
    error_message = "Tasks run on Fargate only."
  }
}
