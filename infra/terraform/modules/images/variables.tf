variable "repositories" {
  description = "Names of the image repositories."
  type        = set(string)
  default     = ["kassa-api", "kassa-worker", "kassa"]
}

variable "prefix" {
  description = "Prefix of the repositories, such as kassa-prod, so that environments can share an account."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.prefix))
    error_message = "The prefix has lower-case letters, digits and single hyphens."
  }
}

variable "force_delete" {
  description = "Deletion of repositories together with their images."
  type        = bool
  default     = false
}

variable "kept_images" {
  description = "Tagged images that are kept. A worker version may wait for its last order for weeks, so keep more than a few."
  type        = number
  default     = 100

  validation {
    condition     = var.kept_images >= 20
    error_message = "Keep at least 20 images: running worker versions need theirs."
  }
}
