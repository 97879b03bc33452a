# Mock providers have no ephemeral resources, so this file needs a provider that has: one with credentials, or a stand-in.

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
    condition     = toset(output.by_hand) == toset(["kassa-test/KASSA_STRIPE_SECRET_KEY", "kassa-test/KASSA_STRIPE_WEBHOOK_SECRET", "kassa-test/TEMPORAL_API_KEY"])
    error_message = "Secrets that others issue are put in by hand."
  }
}

run "no_value_is_in_the_state" {
  assert {
    condition = (
      aws_secretsmanager_secret_version.signing_key.secret_string_wo == null &&
      aws_secretsmanager_secret_version.payload_keys.secret_string_wo == null &&
      aws_secretsmanager_secret_version.signing_key.secret_string_wo_version == 1 &&
      aws_secretsmanager_secret_version.payload_keys.secret_string_wo_version == 1
    )
    error_message = "Generated values are written, never kept, and never written again."
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
    recovery_window_days = 0
  }

  expect_failures = [var.recovery_window_days]
}
