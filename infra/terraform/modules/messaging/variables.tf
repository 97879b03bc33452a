variable "name" {
  description = "Prefix of all names, such as kassa-prod."
  type        = string

  validation {
    condition     = can(regex("^kassa-[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "The name is kassa-, followed by 2 to 10 lower-case letters and digits."
  }
}

variable "mail_domain" {
  description = "Domain that mail comes from, verified by SES with DKIM."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.mail_domain))
    error_message = "The mail domain is a domain name such as shop.example."
  }
}

variable "zone_id" {
  description = "Route 53 zone that gets the records of the mail domain. Null leaves them to whoever runs its DNS."
  type        = string
  default     = null
}

variable "dmarc_policy" {
  description = "DMARC record of the mail domain, such as v=DMARC1; p=none; rua=mailto:postmaster@shop.example. Null leaves the domain's own record alone."
  type        = string
  default     = null

  validation {
    condition     = var.dmarc_policy == null || can(regex("^v=DMARC1; ", var.dmarc_policy))
    error_message = "A DMARC record begins with v=DMARC1."
  }
}

variable "archive_days" {
  description = "Days for which events can be replayed."
  type        = number
  default     = 90

  validation {
    condition     = var.archive_days >= 1
    error_message = "The archive keeps events for at least a day; zero would keep them for ever."
  }
}

variable "consumer_roles" {
  description = "ARNs of the roles that read the queues, in this account or others."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.consumer_roles : can(regex("^arn:aws:iam::[0-9]{12}:role/", arn))])
    error_message = "Consumers are ARNs of roles, such as arn:aws:iam::123456789012:role/fulfilment."
  }
}

variable "sms_monthly_spend_limit" {
  description = "US dollars a month for text messages of the whole account and region. Null leaves the account's preferences alone, which two environments in one account would otherwise set in turns."
  type        = number
  default     = null

  validation {
    condition     = try(var.sms_monthly_spend_limit >= 1, var.sms_monthly_spend_limit == null)
    error_message = "The limit is at least one dollar."
  }
}
