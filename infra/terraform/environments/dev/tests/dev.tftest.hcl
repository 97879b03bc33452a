# These tests need a provider: the real one with credentials, or the stand-in of infra/check.
run "development_sleeps" {
  command = plan

  assert {
    condition     = local.database.min_capacity == 0 && local.database.instance_count == 1
    error_message = "The database of development pauses."
  }

  assert {
    condition     = local.health_check_path == "/health" && local.reconcile_interval_ms >= 86400000
    error_message = "Neither health checks nor reconciliations keep the database awake."
  }

  assert {
    condition     = local.network.nat_gateways == "single" && !local.deletion_protection
    error_message = "Development is cheap and can be thrown away."
  }
}

run "two_build_ids_may_not_share_a_service" {
  command = plan

  variables {
    worker_versions = {
      "1.2" = { image = "example/kassa-worker:1.2" }
      "1-2" = { image = "example/kassa-worker:1-2" }
    }
  }

  expect_failures = [var.worker_versions]
}

run "a_sender_of_another_domain_is_refused" {
  command = plan

  variables {
    mail_from = "orders@elsewhere.example"
  }

  expect_failures = [var.mail_from]
}
