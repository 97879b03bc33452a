output "api" {
  description = "Settings, secrets and permissions of the API."
  value = {
    environment = local.api
    secrets     = local.api_secrets
    statements  = local.statements["api"]
  }
}

output "worker" {
  description = "Settings, secrets and permissions of the worker. Each version adds its own KASSA_BUILD_ID."
  value = {
    environment = local.worker
    secrets     = local.worker_secrets
    statements  = local.statements["worker"]
  }
}

output "migrate" {
  description = "Settings and permissions of a migration."
  value = {
    environment = local.database
    secrets     = {}
    statements  = local.statements["migrate"]
  }
}
