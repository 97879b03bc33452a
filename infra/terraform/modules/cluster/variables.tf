variable "name" {
  description = "Name of the cluster, such as kassa-prod."
  type        = string
}
