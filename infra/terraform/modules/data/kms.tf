data "aws_caller_identity" "current" {}

# One key for tables, cluster and their backups. Who may use it is decided by the policies of the roles.
resource "aws_kms_key" "this" {
  description             = "${var.name}: tables, database and backups"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Account"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*" # In the policy of a key this is the key itself.
    }]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}-data"
  target_key_id = aws_kms_key.this.key_id
}
