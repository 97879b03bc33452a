output "api_url" {
  description = "Address of the API."
  value       = module.edge.url
}

output "secrets_by_hand" {
  description = "Names of the secrets whose values are put in by hand before the first tasks start."
  value       = module.secrets.by_hand
}

output "repository_urls" {
  description = "Addresses of the image repositories."
  value       = module.images.repository_urls
}

output "migration" {
  description = "Parameters for running a migration: cluster, task definition, subnets and security group."
  value = {
    cluster         = module.cluster.name
    task_definition = module.migrate.task_definition_arn
    subnets         = module.network.private_subnet_ids
    security_groups = [module.migrate.security_group_id]
  }
}

output "nat_addresses" {
  description = "Public addresses that outgoing calls come from, for allow lists of others."
  value       = module.network.nat_addresses
}

output "queue_urls" {
  description = "URLs of the queues that consumers read."
  value       = module.messaging.queue_urls
}

output "user_pool_id" {
  description = "Id of the user pool, to put the first administrator into its group."
  value       = module.identity.user_pool_id
}

output "dashboard" {
  description = "Name of the dashboard."
  value       = module.observability.dashboard_name
}
