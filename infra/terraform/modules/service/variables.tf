variable "name" {
  description = "Name of the service, such as kassa-prod-api. Roles add up to ten characters."
  type        = string

  validation {
    condition     = can(regex("^kassa-[A-Za-z0-9-]{3,48}$", var.name))
    error_message = "The name is kassa-, followed by 3 to 48 letters, digits and hyphens."
  }
}

variable "process" {
  description = "Process in the container: api, worker or migrate."
  type        = string

  validation {
    condition     = contains(["api", "worker", "migrate"], var.process)
    error_message = "The process is api, worker or migrate."
  }
}

variable "image" {
  description = "Image with a tag that is never moved, or a digest."
  type        = string

  validation {
    condition     = can(regex("(:[A-Za-z0-9_][A-Za-z0-9._-]*|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "The image names a version or a digest, and not latest."
  }
}

variable "command" {
  description = "Arguments of the process; empty for a process that runs until it is stopped."
  type        = list(string)
  default     = []
}

variable "cpu" {
  description = "CPU units of a task; 1024 are one vCPU."
  type        = number
  default     = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu)
    error_message = "Fargate has 256, 512, 1024, 2048, 4096, 8192 or 16384 CPU units."
  }
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory >= 2 * var.cpu && var.memory <= 8 * var.cpu
    error_message = "Fargate gives a vCPU from 2 to 8 GiB of memory."
  }
}

variable "environment" {
  description = "Settings of the process. Those without a value are left out."
  type        = map(string)
}

variable "secrets" {
  description = "ARNs of secrets by the settings that are read from them."
  type        = map(string)
  default     = {}
}

variable "secrets_kms_key_arn" {
  description = "ARN of the key that encrypts the secrets."
  type        = string
}

variable "statements" {
  description = "Permissions of the process itself, as statements of an IAM policy."
  type = list(object({
    sid        = string
    effect     = optional(string, "Allow")
    actions    = list(string)
    resources  = list(string)
    conditions = optional(map(map(list(string))), {})
  }))

  validation {
    condition     = alltrue([for statement in var.statements : !anytrue([for action in statement.actions : endswith(action, ":*") || action == "*"])])
    error_message = "Permissions name their actions, and never all of a service."
  }
}

variable "cluster_name" {
  description = "Name of the ECS cluster."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the ECS cluster."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the tasks."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the tasks."
  type        = list(string)
}

variable "egress_ports" {
  description = "TCP ports that tasks may call: 443 for AWS and Stripe, and that of Temporal."
  type        = set(number)
  default     = [443]
}

variable "stop_timeout" {
  description = "Seconds between the signal to stop and the end. The worker gives running activities 35 seconds."
  type        = number
  default     = 60

  validation {
    condition     = var.stop_timeout >= 40 && var.stop_timeout <= 120
    error_message = "Fargate waits at most 120 seconds, and the worker needs 40."
  }
}

variable "log_kms_key_arn" {
  description = "ARN of the key that encrypts the log."
  type        = string
}

variable "log_retention_days" {
  description = "Days that the log is kept."
  type        = number
  default     = 90
}

variable "log_alarms" {
  description = "Alarms about lines of the log, by a short name: the message of the line, and the text of the alarm."
  type = map(object({
    message     = string
    description = string
  }))
  default = {}
}

variable "scaling" {
  description = "Bounds of the number of tasks, and what it follows: CPU, and a backlog per running task if its metric is given. Null makes a task definition only, for a process that ends by itself."
  type = object({
    min        = number
    max        = number
    cpu_target = optional(number, 60)
    backlog = optional(object({
      namespace  = string
      metric     = string
      dimensions = map(string)
      per_task   = number
    }))
  })
  default = null

  validation {
    condition     = var.scaling == null || try(var.scaling.min >= 1 && var.scaling.max >= var.scaling.min, false)
    error_message = "A service has at least one task, and its largest number is at least its smallest."
  }

  validation {
    condition     = try(var.scaling.cpu_target >= 20 && var.scaling.cpu_target <= 90, var.scaling == null)
    error_message = "The CPU target is from 20 to 90 percent."
  }
}

variable "load_balancer" {
  description = "Load balancer in front of the service: port of the container, the two target groups that a deployment moves between, and the rules that it moves. Null for a process that nobody calls."
  type = object({
    port                 = number
    security_group_id    = string
    arn_suffix           = string
    blue                 = object({ arn = string, arn_suffix = string })
    green                = object({ arn = string, arn_suffix = string })
    production_rule_arn  = string
    test_rule_arn        = string
    bake_time_in_minutes = optional(number, 10)
    max_errors           = optional(number, 10)
  })
  default = null

  validation {
    condition     = try(var.load_balancer.bake_time_in_minutes >= 0 && var.load_balancer.bake_time_in_minutes <= 1440, var.load_balancer == null)
    error_message = "The bake time is from 0 to 1440 minutes."
  }
}

variable "alarm_topic_arn" {
  description = "ARN of the topic that alarms are sent to."
  type        = string
}
