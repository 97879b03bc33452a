output "arns" {
  description = "ARNs of the secrets by the settings that are read from them."
  value       = { for setting, secret in aws_secretsmanager_secret.this : setting => secret.arn }

  # A task that starts before its generated secrets have values would fail.
  depends_on = [
    aws_secretsmanager_secret_version.signing_key,
    aws_secretsmanager_secret_version.payload_keys,
  ]
}

output "by_hand" {
  description = "Names of the secrets whose values are put in by hand."
  value       = [for setting in keys(local.by_hand) : aws_secretsmanager_secret.this[setting].name]
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts the secrets."
  value       = aws_kms_key.this.arn
}
