variable "name" {
  description = "Prefix of all names, such as kassa-prod."
  type        = string

  validation {
    condition     = can(regex("^kassa-[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "The name is kassa-, followed by 2 to 10 lower-case letters and digits."
  }
}

variable "domain" {
  description = "Domain of the API, such as api.shop.example."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "The domain is a name such as api.shop.example."
  }
}

variable "zone_id" {
  description = "Route 53 zone of the domain."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the load balancer."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the load balancer."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "The load balancer needs subnets in at least two zones."
  }
}

variable "port" {
  description = "Port of the API's containers."
  type        = number
  default     = 8080
}

variable "health_check_path" {
  description = "Path that the load balancer asks: /ready follows the dependencies, /health leaves a paused database asleep."
  type        = string
  default     = "/ready"

  validation {
    condition     = contains(["/ready", "/health"], var.health_check_path)
    error_message = "The load balancer asks /ready or /health."
  }
}

variable "idle_timeout_seconds" {
  description = "Idle time-out of the load balancer, longer than a checkout may take."
  type        = number
  default     = 60

  validation {
    condition     = var.idle_timeout_seconds >= 35 && var.idle_timeout_seconds <= 280
    error_message = "The idle time-out is from 35 to 280 seconds."
  }
}

variable "test_client_security_group_ids" {
  description = "Security groups that may call the version under test before a deployment moves traffic."
  type        = list(string)
  default     = []
}

variable "webhook_rate_limit" {
  description = "Webhooks of Stripe in five minutes that one address may send."
  type        = number
  default     = 100000
}

variable "rate_limit" {
  description = "Requests of one address in five minutes, before more of them are refused."
  type        = number
  default     = 2000

  validation {
    condition     = var.rate_limit >= 100
    error_message = "The limit is at least 100 requests in five minutes."
  }
}

variable "sensitive_rate_limit" {
  description = "Requests of one address in five minutes to checkouts and accounts."
  type        = number
  default     = 200

  validation {
    condition     = var.sensitive_rate_limit >= 10 && var.sensitive_rate_limit < var.rate_limit
    error_message = "The limit is at least 10 requests in five minutes, and stricter than that for everything."
  }
}

variable "price_class" {
  description = "Edge locations of CloudFront."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "The price class is PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "deletion_protection" {
  description = "Protection of the load balancer and of the access logs against deletion."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "Days that access logs are kept. They hold addresses of customers."
  type        = number
  default     = 30

  validation {
    condition     = var.log_retention_days >= 1 && var.log_retention_days <= 400
    error_message = "Access logs are kept for 1 to 400 days."
  }
}
