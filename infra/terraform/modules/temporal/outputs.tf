output "environment" {
  description = "Settings by which processes reach Temporal."
  value       = { TEMPORAL_ADDRESS = var.address, TEMPORAL_NAMESPACE = var.namespace }
}

output "secrets" {
  description = "Settings that processes read from secrets."
  value       = var.mode == "cloud" ? { TEMPORAL_API_KEY = var.api_key_secret_arn } : {}
}

output "port" {
  description = "Port of the frontend, which processes may call."
  value       = local.port
}

output "search_attributes" {
  description = "Search attributes that the namespace needs, with their types."
  value       = jsondecode(file("${path.module}/search-attributes.json"))
}
