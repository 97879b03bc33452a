data "aws_caller_identity" "current" {}

locals {
  # The name of a secret ends in the setting that processes read it from.
  secrets = merge(
    {
      KASSA_SIGNING_KEY           = "Signs the tokens of guests: carts and orders"
      KASSA_PAYLOAD_KEYS          = "Encrypts what Temporal keeps. A lost key is lost history"
      KASSA_STRIPE_SECRET_KEY     = "Key of the Stripe account, from its dashboard"
      KASSA_STRIPE_WEBHOOK_SECRET = "Signing secret of the webhook endpoint at Stripe"
    },
    var.temporal_api_key ? { TEMPORAL_API_KEY = "API key of the service account in Temporal Cloud" } : {},
  )
}

resource "aws_kms_key" "this" {
  description             = "${var.name}: secrets"
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
  name          = "alias/${var.name}-secrets"
  target_key_id = aws_kms_key.this.key_id
}

# Names only. Terraform never writes a value: it would write again after a rotation or an import, and a payload key that is
# written over is lost history.
resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:None of these can be replaced by a function alone: Stripe and Temporal issue theirs, and payload keys are replaced in three steps over weeks
  for_each = local.secrets

  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = var.recovery_window_days
}
