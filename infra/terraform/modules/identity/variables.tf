variable "name" {
  description = "Prefix of all names, such as kassa-prod."
  type        = string

  validation {
    condition     = can(regex("^kassa-[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "The name is kassa-, followed by 2 to 10 lower-case letters and digits."
  }
}

variable "deletion_protection" {
  description = "Protection of the user pool against deletion."
  type        = bool
  default     = true
}

variable "admin_group" {
  description = "Group of the administrators (KASSA_ADMIN_GROUP)."
  type        = string
  default     = "admin"
}

variable "mail" {
  description = "Verified SES identity that mails confirmation codes, and the address they come from. Without it Cognito sends at most 50 mails a day."
  type = object({
    identity_arn      = string
    from              = string
    configuration_set = optional(string)
  })
  default = null
}

variable "web_ui" {
  description = "Temporal's web UI that signs operators in with this pool: its address, and the prefix of the sign-in page's domain, which is unique in the region."
  type = object({
    url           = string
    domain_prefix = string
  })
  default = null

  validation {
    condition     = var.web_ui == null || can(regex("^https://[a-z0-9.-]+$", var.web_ui.url))
    error_message = "The address of the web UI is https:// and a host, without a path."
  }

  validation {
    condition     = var.web_ui == null || can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.web_ui.domain_prefix))
    error_message = "The domain prefix has lower-case letters, digits and hyphens."
  }
}
