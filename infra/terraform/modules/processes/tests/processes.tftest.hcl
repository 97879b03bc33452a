variables {
  region                     = "eu-central-1"
  shop_origins               = ["https://shop.example", "https://app.shop.example"]
  temporal_ui_url            = "https://temporal.shop.example"
  mail_from                  = "orders@shop.example"
  load_balancer_idle_seconds = 60

  temporal = {
    environment = { TEMPORAL_ADDRESS = "eu-central-1.aws.api.temporal.io:7233", TEMPORAL_NAMESPACE = "kassa-test.a1b2c" }
    secrets     = { TEMPORAL_API_KEY = "arn:temporal" }
  }

  secret_arns = {
    KASSA_SIGNING_KEY           = "arn:signing"
    KASSA_PAYLOAD_KEYS          = "arn:payload"
    KASSA_STRIPE_SECRET_KEY     = "arn:stripe"
    KASSA_STRIPE_WEBHOOK_SECRET = "arn:webhook"
    TEMPORAL_API_KEY            = "arn:temporal"
  }

  data = {
    table_prefix = "kassa-test-"
    table_arns = {
      products              = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-products"
      catalogue             = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-catalogue"
      stock-movements       = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-stock-movements"
      event-log             = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-event-log"
      reservations          = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-reservations"
      notifications         = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-notifications"
      notification-settings = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-notification-settings"
      rate-limits           = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-rate-limits"
      users                 = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-users"
      carts                 = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-carts"
      payment-valve         = "arn:aws:dynamodb:eu-central-1:123456789012:table/kassa-test-payment-valve"
    }
    cluster_arn   = "arn:aws:rds:eu-central-1:123456789012:cluster:kassa-test"
    secret_arn    = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds"
    database_name = "kassa"
    kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/data"
  }

  identity = {
    user_pool_id     = "eu-central-1_test"
    user_pool_arn    = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_test"
    client_id        = "api"
    web_ui_client_id = "ui"
    admin_group      = "admin"
    issuer           = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_test"
  }

  messaging = {
    event_bus_name        = "kassa-test"
    event_bus_arn         = "arn:aws:events:eu-central-1:123456789012:event-bus/kassa-test"
    mail_identity_arn     = "arn:aws:ses:eu-central-1:123456789012:identity/shop.example"
    configuration_set_arn = "arn:aws:ses:eu-central-1:123456789012:configuration-set/kassa-test"
  }
}

run "api_and_worker_agree" {
  command = plan

  variables {
    policy_settings = { KASSA_CALL_TIMEOUT_MS = "15000", KASSA_STEP_PATIENCE_MS = "300000" }
  }

  assert {
    condition = alltrue([
      for setting in [
        "AWS_REGION", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "KASSA_TABLE_PREFIX", "KASSA_TASK_QUEUE", "KASSA_RDS_RESOURCE_ARN",
        "KASSA_RDS_SECRET_ARN", "KASSA_RDS_DATABASE", "KASSA_CALL_TIMEOUT_MS", "KASSA_STEP_PATIENCE_MS",
      ] : output.api.environment[setting] == output.worker.environment[setting]
    ])
    error_message = "An order is carried out with the settings that it was begun with."
  }

  assert {
    condition = (
      output.api.secrets["KASSA_PAYLOAD_KEYS"] == output.worker.secrets["KASSA_PAYLOAD_KEYS"] &&
      output.api.secrets["TEMPORAL_API_KEY"] == output.worker.secrets["TEMPORAL_API_KEY"]
    )
    error_message = "Both read the same payload keys."
  }
}

run "the_api_knows_what_is_in_front" {
  command = plan

  assert {
    condition = (
      output.api.environment.KASSA_TRUSTED_PROXIES == "2" && output.api.environment.KASSA_HEAD_TIMEOUT_MS == "75000" &&
      output.api.environment.KASSA_API_LISTEN == "0.0.0.0:8080"
    )
    error_message = "Two proxies, and connections that outlive the load balancer's."
  }

  assert {
    condition     = output.api.environment.KASSA_TOKEN_KEYS_URL == "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_test/.well-known/jwks.json"
    error_message = "Keys are the issuer's."
  }

  assert {
    condition     = output.api.environment.KASSA_CODEC_ENDPOINT == "admin" && output.api.environment.KASSA_CODEC_ORIGINS == "https://temporal.shop.example"
    error_message = "Payloads are opened for administrators on pages of the web UI."
  }
}

run "secrets_go_where_they_are_needed" {
  command = plan

  assert {
    condition = (
      toset(keys(output.api.secrets)) == toset(["KASSA_SIGNING_KEY", "KASSA_PAYLOAD_KEYS", "KASSA_STRIPE_WEBHOOK_SECRET", "TEMPORAL_API_KEY"]) &&
      toset(keys(output.worker.secrets)) == toset(["KASSA_STRIPE_SECRET_KEY", "KASSA_PAYLOAD_KEYS", "TEMPORAL_API_KEY"]) &&
      length(output.migrate.secrets) == 0
    )
    error_message = "The API never sees the key to the money, the worker no signing key, and a migration nothing."
  }

  assert {
    condition     = toset(keys(output.migrate.environment)) == toset(["AWS_REGION", "KASSA_RDS_RESOURCE_ARN", "KASSA_RDS_SECRET_ARN", "KASSA_RDS_DATABASE"])
    error_message = "A migration knows the database only."
  }
}

run "permissions_are_narrow" {
  command = plan

  assert {
    condition = [
      for statement in concat(output.api.statements, output.worker.statements, output.migrate.statements) : statement.sid
      if contains(statement.resources, "*")
    ] == ["TextMessages"]
    error_message = "Only text messages have no resource to name."
  }

  assert {
    condition = alltrue([
      for statement in concat(output.api.statements, output.worker.statements, output.migrate.statements) :
      !anytrue([for action in statement.actions : strcontains(action, "*")])
    ])
    error_message = "Every action is named."
  }

  assert {
    condition = alltrue([
      for statement in concat(output.api.statements, output.worker.statements, output.migrate.statements) :
      try(length(statement.conditions.StringEquals["kms:ViaService"]) == 1, false)
      if anytrue([for action in statement.actions : startswith(action, "kms:")])
    ])
    error_message = "Keys are used through a service only."
  }
}

run "the_api_changes_no_order_and_no_stock_of_orders" {
  command = plan

  assert {
    condition     = !anytrue([for statement in output.api.statements : contains(statement.resources, var.data.table_arns["reservations"])])
    error_message = "Reservations belong to the worker."
  }

  assert {
    condition = !anytrue([
      for statement in output.api.statements : anytrue([for action in statement.actions : can(regex("^(events|ses|sns):", action))])
    ])
    error_message = "The API sends nothing."
  }

  assert {
    condition = !anytrue([
      for statement in concat(output.api.statements, output.worker.statements) : contains(statement.actions, "rds-data:BeginTransaction")
    ])
    error_message = "Every change of an order is one statement; only migrations use transactions."
  }
}

run "a_migration_touches_no_table" {
  command = plan

  assert {
    condition     = toset([for statement in output.migrate.statements : statement.sid]) == toset(["Orders", "DatabaseSecret", "DatabaseSecretKey"])
    error_message = "A migration may use the database and its secret."
  }
}

run "wrong_settings_are_refused" {
  command = plan

  variables {
    shop_origins               = ["https://shop.example/"]
    temporal_ui_url            = "temporal.shop.example"
    mail_from                  = "Shop <orders@shop.example>"
    load_balancer_idle_seconds = 10
    reconcile_interval_ms      = 10
    policy_settings            = { KASSA_TABLE_PREFIX = "other-" }
    api_settings               = { KASSA_TRUSTED_PROXIES = "0" }
    worker_settings            = { KASSA_DEPLOYMENT = "other" }
    hsts_seconds               = -1
  }

  expect_failures = [
    var.shop_origins, var.temporal_ui_url, var.mail_from, var.load_balancer_idle_seconds, var.reconcile_interval_ms,
    var.policy_settings, var.api_settings, var.worker_settings, var.hsts_seconds,
  ]
}
