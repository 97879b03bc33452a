variable "region" {
  description = "AWS region of the environment."
  type        = string
}



variable "shop_origins" {
  description = "Origins of the shop's pages, which may call the API and take customers back after a payment page."
  type        = list(string)

  validation {
    condition     = length(var.shop_origins) > 0 && alltrue([for origin in var.shop_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "Origins are https:// and a host in lower case, without a path, such as https://shop.example."
  }
}

variable "temporal_ui_url" {
  description = "Address of Temporal's web UI, to which diagnoses link and whose pages may have payloads opened."
  type        = string
  default     = null

  validation {
    condition     = var.temporal_ui_url == null || can(regex("^https://[a-z0-9.-]+$", var.temporal_ui_url))
    error_message = "The address of the web UI is https:// and a host, without a path."
  }
}

variable "mail_from" {
  description = "Address that mail comes from, in the verified domain."
  type        = string

  validation {
    condition     = can(regex("^[^@<> ]+@[a-z0-9.-]+$", var.mail_from))
    error_message = "The sender is a bare address such as orders@shop.example."
  }
}

variable "load_balancer_idle_seconds" {
  description = "Idle time-out of the load balancer, which the API's connections have to outlive."
  type        = number

  validation {
    condition     = var.load_balancer_idle_seconds >= 35 && var.load_balancer_idle_seconds <= 280
    error_message = "The idle time-out is longer than the 30 seconds that a checkout may take, and at most 280 seconds."
  }
}

variable "hsts_seconds" {
  description = "Seconds for which browsers insist on TLS."
  type        = number
  default     = 31536000

  validation {
    condition     = var.hsts_seconds >= 0 && var.hsts_seconds <= 63072000
    error_message = "Browsers insist on TLS for 0 to 63072000 seconds."
  }
}

variable "reconcile_interval_ms" {
  description = "Milliseconds between two reconciliations. Each wakes a database that has paused."
  type        = number
  default     = 3600000

  validation {
    condition     = var.reconcile_interval_ms == 0 || (var.reconcile_interval_ms >= 1000 && var.reconcile_interval_ms <= 2592000000)
    error_message = "The interval is 0 or from 1000 to 2592000000 milliseconds."
  }
}

variable "policy_settings" {
  description = "Settings of orders that differ from their defaults, such as KASSA_STEP_PATIENCE_MS. API and workers get the same ones."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for setting in keys(var.policy_settings) : contains([
      "KASSA_CALL_TIMEOUT_MS", "KASSA_STEP_PATIENCE_MS", "KASSA_REFUND_PATIENCE_MS", "KASSA_RECONCILE_GRACE_MS",
      "KASSA_RECONCILE_LOOK_BACK_MS", "KASSA_RECONCILE_OPEN_LIMIT_MS",
    ], setting)])
    error_message = "Only the settings of docs/configuration.md that API and workers share are allowed here."
  }
}

variable "api_settings" {
  description = "Settings of the API that differ from their defaults, such as KASSA_CARD_ATTEMPTS."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for setting in keys(var.api_settings) : can(regex("^KASSA_LIMIT_[A-Z]+$", setting)) || contains([
      "KASSA_ANSWER_TIMEOUT_MS", "KASSA_CARD_ATTEMPTS", "KASSA_CATALOGUE_CACHE_MS", "KASSA_LOG", "KASSA_PAYMENT_HOLD_MS",
      "KASSA_PAYMENT_POLL_MS", "KASSA_VALVE_LOOK_MS", "KASSA_VALVE_SETTLE_MS",
    ], setting)])
    error_message = "Only settings of the API that this module does not set itself are allowed here."
  }
}

variable "worker_settings" {
  description = "Settings of the worker that differ from their defaults, such as KASSA_WORKERS."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for setting in keys(var.worker_settings) : contains(["KASSA_LOG", "KASSA_WORKERS"], setting)])
    error_message = "Only settings of the worker that this module does not set itself are allowed here."
  }
}

variable "temporal" {
  description = "Settings and secrets by which processes reach Temporal."
  type = object({
    environment = map(string)
    secrets     = map(string)
  })
}

variable "secret_arns" {
  description = "ARNs of the secrets by the settings that are read from them."
  type        = map(string)
}

variable "data" {
  description = "Tables and cluster."
  type = object({
    table_prefix  = string
    table_arns    = map(string)
    cluster_arn   = string
    secret_arn    = string
    database_name = string
    kms_key_arn   = string
  })
}

variable "identity" {
  description = "User pool and its clients."
  type = object({
    user_pool_id     = string
    user_pool_arn    = string
    client_id        = string
    web_ui_client_id = string
    admin_group      = string
    issuer           = string
  })
}

variable "messaging" {
  description = "Event bus and mail identity."
  type = object({
    event_bus_name        = string
    event_bus_arn         = string
    mail_identity_arn     = string
    configuration_set_arn = string
  })
}
