output "state_bucket" {
  description = "Name of the bucket for the state of the environments."
  value       = aws_s3_bucket.state.bucket
}

output "deploy_role_arns" {
  description = "ARNs of the roles that GitHub's jobs take, by environment."
  value       = { for environment, role in aws_iam_role.deploy : environment => role.arn }
}
