variable "name" {
  description = "Prefix of all names, such as kassa-prod."
  type        = string

  validation {
    condition     = can(regex("^kassa-[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "The name is kassa-, followed by 2 to 10 lower-case letters and digits."
  }
}

variable "alarm_addresses" {
  description = "Mail addresses that get alarms. Each has to confirm its subscription."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_addresses : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "Alarms go to mail addresses."
  }
}

variable "dead_letter_queue_names" {
  description = "Names of the queues in which no message should be."
  type        = list(string)
}

variable "undelivered_queue_arn" {
  description = "ARN of the queue for events that could not be delivered."
  type        = string
}

variable "table_names" {
  description = "Names of the tables by their names without prefix."
  type        = map(string)
}

variable "cluster_identifier" {
  description = "Name of the Aurora cluster."
  type        = string
}

variable "max_capacity" {
  description = "Largest capacity of an Aurora instance."
  type        = number
}

variable "max_connections" {
  description = "Connections to the database above which an alarm goes off."
  type        = number
  default     = 500
}

variable "load_balancer" {
  description = "Load balancer of the API and its two target groups, by the suffixes of their ARNs."
  type = object({
    arn_suffix = string
    blue       = object({ arn_suffix = string })
    green      = object({ arn_suffix = string })
  })
}

variable "ecs_cluster_name" {
  description = "Name of the ECS cluster."
  type        = string
}

variable "service_names" {
  description = "Names of the ECS services, for the dashboard."
  type        = list(string)
}

variable "event_bus_name" {
  description = "Name of the event bus, for the dashboard."
  type        = string
}

variable "monthly_budget" {
  description = "US dollars a month that the environment may cost before somebody is asked."
  type        = number

  validation {
    condition     = var.monthly_budget > 0
    error_message = "The budget is greater than 0."
  }
}
