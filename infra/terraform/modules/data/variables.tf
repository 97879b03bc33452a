variable "name" {
  description = "Prefix of all names, such as kassa-prod."
  type        = string

  validation {
    condition     = can(regex("^kassa-[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "The name is kassa-, followed by 2 to 10 lower-case letters and digits."
  }
}

variable "table_prefix" {
  description = "Common beginning of the names of all tables. Another one than usual after a restore, which makes tables under new names."
  type        = string
  default     = null

  validation {
    condition     = var.table_prefix == null || can(regex("^kassa-([a-z0-9]+-)*$", var.table_prefix))
    error_message = "The prefix begins with kassa-, ends in a hyphen, and has lower-case letters, digits and single hyphens."
  }
}

variable "vpc_id" {
  description = "VPC of the Aurora cluster."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the Aurora cluster."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Aurora needs subnets in at least two zones."
  }
}

variable "deletion_protection" {
  description = "Protection of tables, cluster and backups against deletion. Off only where data may be lost."
  type        = bool
  default     = true
}

variable "engine_version" {
  description = "Version of Aurora PostgreSQL; minor versions follow by themselves."
  type        = string
  default     = "17"
}

variable "min_capacity" {
  description = "Smallest capacity of an instance in Aurora capacity units. Zero pauses the cluster when nothing uses it, and the first call afterwards fails."
  type        = number

  validation {
    condition     = var.min_capacity == 0 || (var.min_capacity >= 0.5 && var.min_capacity <= 256)
    error_message = "The smallest capacity is 0 or from 0.5 to 256."
  }

  validation {
    condition     = !(var.deletion_protection && var.min_capacity == 0)
    error_message = "A cluster that is worth protecting may not pause: orders would fail until it has resumed."
  }
}

variable "max_capacity" {
  description = "Largest capacity of an instance in Aurora capacity units."
  type        = number

  validation {
    condition     = var.max_capacity >= 1 && var.max_capacity <= 256 && var.max_capacity >= var.min_capacity
    error_message = "The largest capacity is from 1 to 256 and at least the smallest."
  }
}

variable "seconds_until_auto_pause" {
  description = "Seconds without a connection after which a cluster with a smallest capacity of zero pauses."
  type        = number
  default     = 900

  validation {
    condition     = var.seconds_until_auto_pause >= 300 && var.seconds_until_auto_pause <= 86400
    error_message = "A cluster pauses after 300 to 86400 seconds."
  }
}

variable "instance_count" {
  description = "Instances of the cluster. From two on, the loss of one is a failover of seconds."
  type        = number

  validation {
    condition     = var.instance_count >= 1 && var.instance_count <= 3
    error_message = "The cluster has one to three instances."
  }
}

variable "backup_retention_days" {
  description = "Days for which Aurora can be restored to any second."
  type        = number
  default     = 35

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "Aurora keeps backups for 1 to 35 days."
  }
}

variable "log_kms_key_arn" {
  description = "KMS key that encrypts the database log."
  type        = string
}

variable "log_retention_days" {
  description = "Days that the database log is kept."
  type        = number
  default     = 90
}
