# Applied once per account by an administrator. Its own state stays local: the bucket does not exist before.
provider "aws" {
  region = var.region

  default_tags {
    tags = { project = "kassa", environment = "shared" }
  }
}

data "aws_caller_identity" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
}
