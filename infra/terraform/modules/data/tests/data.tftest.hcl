mock_provider "aws" {
  mock_resource "aws_rds_cluster" {
    defaults = {
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds", secret_status = "active", kms_key_id = "key" }]
    }
  }
}

variables {
  name            = "kassa-test"
  vpc_id          = "vpc-1"
  subnet_ids      = ["subnet-1", "subnet-2"]
  log_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/logs"
  min_capacity    = 0.5
  max_capacity    = 8
  instance_count  = 2
}

run "all_tables_are_there" {
  assert {
    condition = toset(keys(aws_dynamodb_table.this)) == toset([
      "products", "catalogue", "stock-movements", "event-log", "reservations", "notifications", "notification-settings",
      "rate-limits", "users", "carts", "payment-valve",
    ])
    error_message = "The tables are those of crates/store."
  }

  assert {
    condition     = alltrue([for name, table in aws_dynamodb_table.this : table.name == "${output.table_prefix}${name}"])
    error_message = "Names are the prefix that processes get, followed by what the code adds."
  }
}

run "tables_of_a_restore_have_another_prefix" {
  variables {
    table_prefix = "kassa-test-restored-"
  }

  assert {
    condition     = output.table_prefix == "kassa-test-restored-" && aws_dynamodb_table.this["carts"].name == "kassa-test-restored-carts"
    error_message = "Tables and processes follow the prefix."
  }
}

run "tables_are_safe" {
  assert {
    condition = alltrue([
      for table in aws_dynamodb_table.this :
      table.billing_mode == "PAY_PER_REQUEST" && table.deletion_protection_enabled &&
      table.point_in_time_recovery[0].enabled && table.point_in_time_recovery[0].recovery_period_in_days == 35 &&
      table.server_side_encryption[0].enabled && table.server_side_encryption[0].kms_key_arn == aws_kms_key.this.arn &&
      table.tags.backup == var.name
    ])
    error_message = "Every table is on demand, protected, restorable for 35 days, encrypted with the own key, and backed up."
  }
}

run "keys_and_indexes_are_those_of_the_code" {
  assert {
    condition = (
      aws_dynamodb_table.this["event-log"].hash_key == "order_id" && aws_dynamodb_table.this["event-log"].range_key == "sequence" &&
      one([for a in aws_dynamodb_table.this["event-log"].attribute : a.type if a.name == "sequence"]) == "N"
    )
    error_message = "The event log is sorted by number."
  }

  assert {
    condition = (
      one(aws_dynamodb_table.this["catalogue"].local_secondary_index).name == "by_price" &&
      one(aws_dynamodb_table.this["catalogue"].local_secondary_index).range_key == "price_place" &&
      one(aws_dynamodb_table.this["stock-movements"].local_secondary_index).name == "by_time" &&
      one(aws_dynamodb_table.this["stock-movements"].local_secondary_index).range_key == "booked_as"
    )
    error_message = "Catalogue and movements have their local indexes."
  }

  assert {
    condition = (
      toset([for i in aws_dynamodb_table.this["notifications"].global_secondary_index : i.name]) == toset(["day", "customer", "order_id"]) &&
      alltrue([for i in aws_dynamodb_table.this["notifications"].global_secondary_index : i.hash_key == i.name && i.range_key == "listed_as" && i.projection_type == "ALL"])
    )
    error_message = "Notifications are listed by day, by customer and by order."
  }

  assert {
    condition = toset([for name, table in aws_dynamodb_table.this : name if length(table.ttl) > 0]) == toset([
      "notifications", "rate-limits", "carts", "payment-valve",
    ])
    error_message = "Four tables forget rows."
  }
}

run "production_does_not_pause" {
  assert {
    condition = (
      aws_rds_cluster.this.serverlessv2_scaling_configuration[0].min_capacity == 0.5 &&
      length(aws_rds_cluster_instance.this) == 2 && aws_rds_cluster.this.backup_retention_period == 35 &&
      aws_rds_cluster.this.deletion_protection && !aws_rds_cluster.this.skip_final_snapshot
    )
    error_message = "Production always runs, on two instances, with 35 days of backups."
  }

  assert {
    condition     = length(aws_backup_vault_lock_configuration.this) == 1
    error_message = "Recovery points of production are locked."
  }
}

run "development_scales_to_zero" {
  variables {
    deletion_protection   = false
    min_capacity          = 0
    max_capacity          = 2
    instance_count        = 1
    backup_retention_days = 1
  }

  assert {
    condition = (
      aws_rds_cluster.this.serverlessv2_scaling_configuration[0].min_capacity == 0 &&
      aws_rds_cluster.this.serverlessv2_scaling_configuration[0].seconds_until_auto_pause == 900
    )
    error_message = "Development pauses after a quarter of an hour."
  }

  assert {
    condition     = !aws_rds_cluster.this.deletion_protection && length(aws_backup_vault_lock_configuration.this) == 0
    error_message = "Development can be thrown away."
  }
}

run "the_database_is_closed_and_encrypted" {
  assert {
    condition = (
      aws_rds_cluster.this.storage_encrypted && aws_rds_cluster.this.enable_http_endpoint &&
      aws_rds_cluster.this.manage_master_user_password && alltrue([for i in aws_rds_cluster_instance.this : !i.publicly_accessible])
    )
    error_message = "The cluster is encrypted, has no public address, and is used by the Data API with a managed password."
  }

  assert {
    condition     = one([for p in aws_rds_cluster_parameter_group.this.parameter : p.value if p.name == "log_parameter_max_length"]) == "0"
    error_message = "The log never holds values."
  }

  assert {
    condition     = output.secret_arn == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds"
    error_message = "Processes get the secret that RDS manages."
  }
}

run "wrong_sizes_are_refused" {
  command = plan

  variables {
    max_capacity             = 300
    instance_count           = 0
    backup_retention_days    = 36
    seconds_until_auto_pause = 60
    subnet_ids               = ["subnet-1"]
  }

  expect_failures = [
    var.max_capacity, var.instance_count, var.backup_retention_days, var.seconds_until_auto_pause, var.subnet_ids,
  ]
}

run "a_protected_cluster_may_not_pause" {
  command = plan

  variables {
    min_capacity = 0
  }

  expect_failures = [var.min_capacity]
}

run "a_capacity_that_aurora_does_not_have_is_refused" {
  command = plan

  variables {
    min_capacity = 0.2
  }

  expect_failures = [var.min_capacity]
}
