variable "account_id" {
  description = "AWS account of the environment."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account has twelve digits."
  }
}

variable "region" {
  description = "AWS region of the environment."
  type        = string
  default     = "eu-central-1"
}

variable "domain" {
  description = "Domain of the API, such as api.shop.example."
  type        = string
}

variable "zone_id" {
  description = "Route 53 zone of the API's domain and of the mail domain."
  type        = string
}

variable "mail_domain" {
  description = "Domain that mail comes from."
  type        = string
}

variable "mail_from" {
  description = "Address that mail comes from, in the mail domain."
  type        = string

  validation {
    condition     = endswith(var.mail_from, "@${var.mail_domain}")
    error_message = "The sender is an address of the mail domain."
  }
}

variable "shop_origins" {
  description = "Origins of the shop's pages, such as https://shop.example."
  type        = list(string)
}

variable "temporal" {
  description = "Temporal: kind, address, namespace, and the name of the PrivateLink service if it is used."
  type = object({
    mode                 = optional(string, "cloud")
    address              = string
    namespace            = string
    private_link_service = optional(string)
  })
}

variable "temporal_ui" {
  description = "Temporal's web UI: address, and prefix of the domain on which operators sign in. Null without a web UI of your own."
  type = object({
    url           = string
    domain_prefix = string
  })
  default = null
}

variable "api_image" {
  description = "Image of the API."
  type        = string
}

variable "migrate_image" {
  description = "Image of the worker whose migrations are applied before it starts."
  type        = string
}

variable "worker_versions" {
  description = "Workers by build id: the version that is current, and older ones for as long as orders run that they began."
  type = map(object({
    image         = string
    desired_count = optional(number, 2)
    max_count     = optional(number, 10)
  }))

  validation {
    condition     = length(var.worker_versions) > 0
    error_message = "At least one version works."
  }

  validation {
    condition     = alltrue([for build_id in keys(var.worker_versions) : can(regex("^[A-Za-z0-9._-]{1,30}$", build_id))])
    error_message = "A build id has at most 30 letters, digits, full stops, hyphens and underscores."
  }

  validation {
    condition     = length(distinct([for build_id in keys(var.worker_versions) : replace(build_id, "/[._]/", "-")])) == length(var.worker_versions)
    error_message = "Build ids differ in more than full stops, hyphens and underscores, because services are named after them."
  }
}

variable "alarm_addresses" {
  description = "Mail addresses that get alarms."
  type        = set(string)
}

variable "table_prefix" {
  description = "Common beginning of the names of all DynamoDB tables, after a restore. Null for the usual one."
  type        = string
  default     = null
}

variable "policy_settings" {
  description = "Settings of orders that differ from their defaults. API and workers get the same ones."
  type        = map(string)
  default     = {}
}

variable "api_settings" {
  description = "Settings of the API that differ from their defaults."
  type        = map(string)
  default     = {}
}

variable "worker_settings" {
  description = "Settings of the workers that differ from their defaults. A change restarts workers of all versions."
  type        = map(string)
  default     = {}
}

variable "consumer_roles" {
  description = "ARNs of the roles that read the queues of events, in this account or others."
  type        = list(string)
  default     = []
}

variable "dmarc_policy" {
  description = "DMARC record of the mail domain. Null leaves the domain's own record alone."
  type        = string
  default     = null
}

variable "sms_monthly_spend_limit" {
  description = "US dollars a month for text messages of the account and region. Null leaves the account's preferences alone."
  type        = number
  default     = null
}
