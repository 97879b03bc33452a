variable "name" {
  description = "Prefix of all names, such as kassa-prod."
  type        = string

  validation {
    condition     = can(regex("^kassa-[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "The name is kassa-, followed by 2 to 10 lower-case letters and digits."
  }
}

variable "mode" {
  description = "Kind of Temporal: cloud for Temporal Cloud, self_hosted for a server of your own that is reached without an API key."
  type        = string
  default     = "cloud"

  validation {
    condition     = contains(["cloud", "self_hosted"], var.mode)
    error_message = "Temporal is cloud or self_hosted."
  }
}

variable "address" {
  description = "Host and port of the frontend (TEMPORAL_ADDRESS), such as eu-central-1.aws.api.temporal.io:7233."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+:[0-9]{2,5}$", var.address))
    error_message = "The address is a host and a port, such as eu-central-1.aws.api.temporal.io:7233."
  }
}

variable "namespace" {
  description = "Namespace (TEMPORAL_NAMESPACE); in Temporal Cloud its name and the account, such as kassa-prod.a1b2c."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]*$", var.namespace))
    error_message = "The namespace has letters, digits, full stops, hyphens and underscores."
  }

  validation {
    condition     = var.mode != "cloud" || can(regex("^[A-Za-z0-9-]+\\.[a-z0-9]+$", var.namespace))
    error_message = "A namespace of Temporal Cloud is its name, a full stop and the account, such as kassa-prod.a1b2c."
  }
}

variable "api_key_secret_arn" {
  description = "ARN of the secret with the API key of Temporal Cloud."
  type        = string
  default     = null

  validation {
    condition     = (var.mode == "cloud") == (var.api_key_secret_arn != null)
    error_message = "Temporal Cloud needs the secret of an API key, and a self-hosted server takes none."
  }
}

variable "private_link" {
  description = "PrivateLink endpoint of Temporal Cloud: name of its service in this region, and where the endpoint is placed. Null reaches Temporal through the NAT gateway."
  type = object({
    service_name       = string
    vpc_id             = string
    subnet_ids         = list(string)
    client_cidr_blocks = list(string)
  })
  default = null

  validation {
    condition     = var.private_link == null || var.mode == "cloud"
    error_message = "PrivateLink is for Temporal Cloud."
  }

  validation {
    condition     = var.private_link == null || can(regex("^com\\.amazonaws\\.vpce\\.[a-z0-9-]+\\.vpce-svc-[0-9a-f]+$", var.private_link.service_name))
    error_message = "The service name is such as com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0."
  }
}
