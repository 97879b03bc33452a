# These tests need a provider: the real one with credentials, or the stand-in of infra/check.
run "production_survives_a_zone" {
  command = plan

  assert {
    condition = (
      local.database.min_capacity >= 0.5 && local.database.instance_count >= 2 && local.database.backup_retention_days == 35 &&
      length(local.network.zones) >= 2 && local.network.nat_gateways == "per_zone" && local.api.min >= 2
    )
    error_message = "Database, network and API have a second zone to go on in."
  }

  assert {
    condition     = local.deletion_protection && local.health_check_path == "/health"
    error_message = "Production is protected, and a dependency that is away does not restart it."
  }

  assert {
    condition     = alltrue([for version in var.worker_versions : version.desired_count >= 2])
    error_message = "Every worker version has two tasks."
  }
}

run "versions_work_side_by_side" {
  command = plan

  variables {
    worker_versions = {
      "2026.11.1" = { image = "example/kassa-worker:2026.11.1" }
      "2026.11.2" = { image = "example/kassa-worker:2026.11.2" }
    }
  }

  assert {
    condition     = toset(keys(module.worker)) == toset(["2026.11.1", "2026.11.2"]) && module.worker["2026.11.2"].service_name == "kassa-prod-worker-2026-11-2"
    error_message = "Each build id has a service of its own."
  }
}
