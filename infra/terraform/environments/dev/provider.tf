provider "aws" {
  region = var.region

  # Credentials of another account are refused before anything is read or made.
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = { project = "kassa", environment = local.environment }
  }
}
