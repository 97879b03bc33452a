locals {
  environment = "dev"
  name        = "kassa-${local.environment}"

  # May be thrown away.
  deletion_protection = false
  log_retention_days  = 14
  archive_days        = 7
  monthly_budget      = 150

  network = {
    cidr_block          = "10.20.0.0/16"
    zones               = ["a", "b"]
    nat_gateways        = "single"
    interface_endpoints = "none"
  }

  # Pauses when nobody uses it. The first call after a pause fails until it has resumed.
  database = {
    min_capacity          = 0
    max_capacity          = 2
    instance_count        = 1
    backup_retention_days = 1
  }

  # /ready would ask the database every few seconds and keep it awake, and so would an hourly reconciliation.
  health_check_path     = "/health"
  reconcile_interval_ms = 86400000

  api    = { cpu = 256, memory = 512, min = 1, max = 2 }
  worker = { cpu = 256, memory = 512 }
}
