mock_provider "aws" {}

variables {
  name = "kassa-test"
}

run "every_secret_setting_has_a_secret" {
  assert {
    condition = toset(keys(aws_secretsmanager_secret.this)) == toset([
      "KASSA_SIGNING_KEY", "KASSA_PAYLOAD_KEYS", "KASSA_STRIPE_SECRET_KEY", "KASSA_STRIPE_WEBHOOK_SECRET", "TEMPORAL_API_KEY",
    ])
    error_message = "Every setting that holds a secret has a secret of its own."
  }

  assert {
    condition     = alltrue([for setting, secret in aws_secretsmanager_secret.this : secret.name == "kassa-test/${setting}" && secret.kms_key_id == aws_kms_key.this.arn])
    error_message = "Secrets are named after their settings and encrypted with the own key."
  }

  assert {
    condition     = length(output.by_hand) == 5 && contains(output.by_hand, "kassa-test/KASSA_PAYLOAD_KEYS")
    error_message = "Every value is put in by hand."
  }
}

run "a_self_hosted_server_needs_no_key" {
  variables {
    temporal_api_key = false
  }

  assert {
    condition     = !contains(keys(output.arns), "TEMPORAL_API_KEY")
    error_message = "There is no secret that nobody fills."
  }
}

run "a_window_that_aws_does_not_have_is_refused" {
  command = plan

  variables {
    recovery_window_days = 3
  }

  expect_failures = [var.recovery_window_days]
}
