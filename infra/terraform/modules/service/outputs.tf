output "service_name" {
  description = "Name of the ECS service, or null for a task definition only."
  value       = one(aws_ecs_service.this[*].name)
}

output "task_definition_arn" {
  description = "ARN of the task definition."
  value       = aws_ecs_task_definition.this.arn
}

output "container_definitions" {
  description = "Container definitions as ECS gets them, for tests of settings and permissions."
  value       = aws_ecs_task_definition.this.container_definitions
}

output "task_policy" {
  description = "Policy of the process, for tests of permissions."
  value       = aws_iam_role_policy.task.policy
}

output "security_group_id" {
  description = "Security group of the tasks."
  value       = aws_security_group.this.id
}

output "log_group_name" {
  description = "Log group of the tasks."
  value       = aws_cloudwatch_log_group.this.name
}
