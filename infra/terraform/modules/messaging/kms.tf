data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

# EventBridge cannot deliver into a queue under a key of AWS, so bus, archive and queues share one of their own.
resource "aws_kms_key" "this" {
  description             = "${var.name}: events and queues"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  # In the policy of a key, the resource * is the key itself.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([for role in var.consumer_roles : {
      Sid       = "Consumer${index(var.consumer_roles, role)}"
      Effect    = "Allow"
      Principal = { AWS = role }
      Action    = ["kms:Decrypt"]
      Resource  = "*"
      }], [
      {
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "EventBridge"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
    ])
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}-messaging"
  target_key_id = aws_kms_key.this.key_id
}
