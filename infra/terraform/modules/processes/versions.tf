# Decides and makes nothing, so it needs no provider.
terraform {
  required_version = ">= 1.11"
}
