# The bucket is that of bootstrap: terraform init -backend-config="bucket=kassa-terraform-state-<account>"
terraform {
  backend "s3" {
    key          = "prod/terraform.tfstate"
    region       = "eu-central-1"
    encrypt      = true
    use_lockfile = true
  }
}
