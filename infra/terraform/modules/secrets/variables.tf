variable "name" {
  description = "Prefix of all names, such as kassa-prod."
  type        = string

  validation {
    condition     = can(regex("^kassa-[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "The name is kassa-, followed by 2 to 10 lower-case letters and digits."
  }
}

variable "recovery_window_days" {
  description = "Days in which a deleted secret can be brought back. Zero frees its name at once."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "A deleted secret can be brought back for 7 to 30 days, or not at all."
  }
}

variable "temporal_api_key" {
  description = "Existence of a secret for the API key of Temporal Cloud. A self-hosted server has none."
  type        = bool
  default     = true
}
