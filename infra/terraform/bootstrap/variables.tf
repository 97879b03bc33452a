variable "region" {
  description = "AWS region of the state bucket."
  type        = string
  default     = "eu-central-1"
}

variable "repository" {
  description = "GitHub repository whose workflows deploy, such as example/kassa."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "The repository is an owner and a name, such as example/kassa."
  }
}

variable "environments" {
  description = "Environments in this account. Each gets a role of its own, for the GitHub environment of the same name."
  type        = set(string)
  default     = ["dev", "prod"]

  validation {
    condition     = length(var.environments) > 0 && alltrue([for environment in var.environments : can(regex("^[a-z][a-z0-9]{1,9}$", environment))])
    error_message = "Environments have 2 to 10 lower-case letters and digits."
  }
}
