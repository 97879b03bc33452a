locals {
  # A migration needs no more than this.
  database = {
    AWS_REGION             = var.region
    KASSA_RDS_RESOURCE_ARN = var.data.cluster_arn
    KASSA_RDS_SECRET_ARN   = var.data.secret_arn
    KASSA_RDS_DATABASE     = var.data.database_name
  }

  # API and workers must agree on these: an order is begun by one and carried out by the other.
  shared = merge(
    local.database,
    var.temporal.environment,
    {
      KASSA_TABLE_PREFIX = var.data.table_prefix
      KASSA_TASK_QUEUE   = "kassa-checkout"
      KASSA_LOG_FORMAT   = "json"
    },
    var.policy_settings,
  )

  shared_secrets = merge(var.temporal.secrets, { KASSA_PAYLOAD_KEYS = var.secret_arns["KASSA_PAYLOAD_KEYS"] })

  api = merge(
    local.shared,
    {
      KASSA_API_LISTEN = "0.0.0.0:8080"

      # CloudFront and the load balancer each add an address.
      KASSA_TRUSTED_PROXIES = "2"

      # The load balancer closes idle connections first. The other way round it would send a request into a closed one.
      KASSA_HEAD_TIMEOUT_MS = tostring((var.load_balancer_idle_seconds + 15) * 1000)

      KASSA_HSTS_SECONDS         = tostring(var.hsts_seconds)
      KASSA_CORS_ORIGINS         = join(",", var.shop_origins)
      KASSA_RETURN_URL_ORIGINS   = join(",", var.shop_origins)
      KASSA_TOKEN_ISSUER         = var.identity.issuer
      KASSA_TOKEN_KEYS_URL       = "${var.identity.issuer}/.well-known/jwks.json"
      KASSA_COGNITO_USER_POOL_ID = var.identity.user_pool_id
      KASSA_COGNITO_CLIENT_ID    = var.identity.client_id
      KASSA_ADMIN_GROUP          = var.identity.admin_group

      # Operators on the command line use the endpoint, too, so it is there without a web UI.
      KASSA_CODEC_ENDPOINT  = "admin"
      KASSA_CODEC_ORIGINS   = var.temporal_ui_url
      KASSA_CODEC_CLIENT_ID = var.identity.web_ui_client_id
      KASSA_TEMPORAL_UI_URL = var.temporal_ui_url
    },
    var.api_settings,
  )

  api_secrets = merge(local.shared_secrets, {
    KASSA_SIGNING_KEY           = var.secret_arns["KASSA_SIGNING_KEY"]
    KASSA_STRIPE_WEBHOOK_SECRET = var.secret_arns["KASSA_STRIPE_WEBHOOK_SECRET"]
  })

  worker = merge(
    local.shared,
    {
      KASSA_MAIL_FROM             = var.mail_from
      KASSA_EVENT_BUS             = var.messaging.event_bus_name
      KASSA_DEPLOYMENT            = "kassa"
      KASSA_WORKER_METRICS_LISTEN = "0.0.0.0:9464"
      KASSA_RECONCILE_INTERVAL_MS = tostring(var.reconcile_interval_ms)
    },
    var.worker_settings,
  )

  worker_secrets = merge(local.shared_secrets, { KASSA_STRIPE_SECRET_KEY = var.secret_arns["KASSA_STRIPE_SECRET_KEY"] })
}
