locals {
  environment = "prod"
  name        = "kassa-${local.environment}"

  deletion_protection = true
  log_retention_days  = 90
  archive_days        = 90
  monthly_budget      = 1500

  network = {
    cidr_block          = "10.30.0.0/16"
    zones               = ["a", "b", "c"]
    nat_gateways        = "per_zone"
    interface_endpoints = "none"
  }

  database = {
    min_capacity          = 0.5
    max_capacity          = 16
    instance_count        = 2
    backup_retention_days = 35
  }

  # /ready asks Temporal and both databases. As a health check it would have ECS replace every task while one of them is away.
  health_check_path     = "/health"
  reconcile_interval_ms = 3600000

  api    = { cpu = 512, memory = 1024, min = 2, max = 12 }
  worker = { cpu = 512, memory = 1024 }
}
