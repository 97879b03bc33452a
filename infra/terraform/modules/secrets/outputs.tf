output "arns" {
  description = "ARNs of the secrets by the settings that are read from them."
  value       = { for setting, secret in aws_secretsmanager_secret.this : setting => secret.arn }
}

output "by_hand" {
  description = "Names of the secrets whose values are put in by hand."
  value       = [for secret in aws_secretsmanager_secret.this : secret.name]
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts the secrets."
  value       = aws_kms_key.this.arn
}
