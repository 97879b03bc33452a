variable "name" {
  description = "Prefix of all names, such as kassa-prod."
  type        = string

  validation {
    condition     = can(regex("^kassa-[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "The name is kassa-, followed by 2 to 10 lower-case letters and digits."
  }
}

variable "cidr_block" {
  description = "Address range of the VPC. Subnets take sixteenths of it."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr_block, 0)) && try(tonumber(split("/", var.cidr_block)[1]) <= 22, false)
    error_message = "The address range is IPv4 CIDR notation with a prefix of at most 22 bits."
  }
}

variable "availability_zones" {
  description = "Availability zones, one private and one public subnet in each."
  type        = list(string)

  validation {
    condition     = length(var.availability_zones) >= 2 && length(var.availability_zones) <= 3
    error_message = "Aurora and the load balancer need two zones, and more than three are not supported."
  }

  validation {
    condition     = length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "Availability zones may not repeat."
  }
}

variable "nat_gateways" {
  description = "Number of NAT gateways: single shares one among all zones, per_zone survives the loss of a zone."
  type        = string
  default     = "per_zone"

  validation {
    condition     = contains(["single", "per_zone"], var.nat_gateways)
    error_message = "NAT gateways are single or per_zone."
  }
}

variable "interface_endpoints" {
  description = "Interface endpoints of AWS services: none sends calls through the NAT gateway, all keeps them in the VPC for an hourly price per endpoint and zone."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "all"], var.interface_endpoints)
    error_message = "Interface endpoints are none or all."
  }
}

variable "log_kms_key_arn" {
  description = "KMS key that encrypts the flow logs."
  type        = string
}

variable "flow_log_retention_days" {
  description = "Days that flow logs are kept."
  type        = number
  default     = 90
}
