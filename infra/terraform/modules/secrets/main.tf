data "aws_caller_identity" "current" {}

locals {
  # The name of a secret ends in the setting that processes read it from.
  generated = {
    KASSA_SIGNING_KEY  = "Signs what guests are handed: carts and orders"
    KASSA_PAYLOAD_KEYS = "Encrypts what Temporal keeps. A lost key is lost history"
  }

  by_hand = merge(
    {
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

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:None of these can be replaced by a function alone: Stripe and Temporal issue theirs, and payload keys are replaced in three steps over weeks
  for_each = merge(local.generated, local.by_hand)

  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = var.recovery_window_days
}

ephemeral "aws_secretsmanager_random_password" "this" {
  for_each = local.generated

  password_length     = 64
  exclude_punctuation = true
}

# Written once. The version stays 1, so that Terraform never writes over a key that was replaced by hand.
resource "aws_secretsmanager_secret_version" "signing_key" {
  secret_id                = aws_secretsmanager_secret.this["KASSA_SIGNING_KEY"].id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.this["KASSA_SIGNING_KEY"].random_password
  secret_string_wo_version = 1
}

# The hash turns 64 random characters into the 32 bytes of a key.
resource "aws_secretsmanager_secret_version" "payload_keys" {
  secret_id                = aws_secretsmanager_secret.this["KASSA_PAYLOAD_KEYS"].id
  secret_string_wo         = "first:${base64sha256(ephemeral.aws_secretsmanager_random_password.this["KASSA_PAYLOAD_KEYS"].random_password)}"
  secret_string_wo_version = 1
}
