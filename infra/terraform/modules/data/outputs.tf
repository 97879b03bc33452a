output "kms_key_arn" {
  description = "ARN of the key that encrypts tables, cluster and backups."
  value       = aws_kms_key.this.arn
}

output "table_prefix" {
  description = "Common beginning of the names of all tables (KASSA_TABLE_PREFIX)."
  value       = local.table_prefix
}

output "table_arns" {
  description = "ARNs of the tables by their names without prefix."
  value       = { for name, table in aws_dynamodb_table.this : name => table.arn }
}

output "table_names" {
  description = "Full names of the tables by their names without prefix."
  value       = { for name, table in aws_dynamodb_table.this : name => table.name }
}

output "cluster_arn" {
  description = "ARN of the Aurora cluster (KASSA_RDS_RESOURCE_ARN)."
  value       = aws_rds_cluster.this.arn
}

output "cluster_identifier" {
  description = "Name of the Aurora cluster."
  value       = aws_rds_cluster.this.cluster_identifier
}

output "database_name" {
  description = "Database within the cluster (KASSA_RDS_DATABASE)."
  value       = aws_rds_cluster.this.database_name
}

output "secret_arn" {
  description = "ARN of the secret that RDS keeps for the user of the cluster (KASSA_RDS_SECRET_ARN)."
  value       = one(aws_rds_cluster.this.master_user_secret[*].secret_arn)
}

output "max_capacity" {
  description = "Largest capacity of an instance in Aurora capacity units."
  value       = var.max_capacity
}
