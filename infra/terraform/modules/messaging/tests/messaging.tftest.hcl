mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  name        = "kassa-test"
  mail_domain = "shop.example"
}

run "every_queue_has_dead_letters" {
  assert {
    condition = alltrue([
      for name, queue in aws_sqs_queue.this :
      jsondecode(queue.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead[name].arn &&
      jsondecode(aws_sqs_queue_redrive_allow_policy.dead[name].redrive_allow_policy).sourceQueueArns == [queue.arn]
    ])
    error_message = "Each queue has dead letters of its own, which take messages from no other."
  }

  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.this : target.dead_letter_config[0].arn == aws_sqs_queue.undelivered.arn])
    error_message = "Events that EventBridge cannot deliver are kept."
  }

  assert {
    condition     = toset(output.dead_letter_queue_names) == toset(["kassa-test-undelivered", "kassa-test-orders-dead", "kassa-test-mail-feedback-dead"])
    error_message = "Alarms are made for every queue of dead letters."
  }
}

run "everything_is_encrypted" {
  assert {
    condition = alltrue([
      for queue in concat([aws_sqs_queue.undelivered], values(aws_sqs_queue.dead), values(aws_sqs_queue.this)) : queue.kms_master_key_id == aws_kms_key.this.arn
    ]) && aws_cloudwatch_event_bus.this.kms_key_identifier == aws_kms_key.this.arn && aws_cloudwatch_event_archive.this.kms_key_identifier == aws_kms_key.this.arn
    error_message = "Bus, archive and queues use the own key."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Condition.StringEquals["aws:SourceAccount"] if statement.Sid == "EventBridge"
    ]) == "123456789012"
    error_message = "EventBridge uses the key for this account only."
  }
}

run "only_its_rule_fills_a_queue" {
  assert {
    condition = alltrue([
      for name, policy in aws_sqs_queue_policy.this : [
        for statement in jsondecode(policy.policy).Statement : statement.Condition.ArnEquals["aws:SourceArn"] if statement.Effect == "Allow"
      ] == [aws_cloudwatch_event_rule.this[name].arn]
    ])
    error_message = "A queue takes messages from its own rule, and nobody else is allowed anything."
  }

  assert {
    condition = alltrue([
      for policy in concat([aws_sqs_queue_policy.undelivered], values(aws_sqs_queue_policy.dead), values(aws_sqs_queue_policy.this)) :
      anytrue([for statement in jsondecode(policy.policy).Statement : statement.Effect == "Deny" && statement.Sid == "OnlyTls"])
    ])
    error_message = "Every queue insists on TLS."
  }
}

run "the_rule_catches_every_event_of_an_order" {
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.this["orders"].event_pattern) == {
      source = ["kassa.checkout"], "detail-type" = [{ prefix = "order." }]
    }
    error_message = "The pattern is the source of the worker and the prefix of all its events."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.this["mail-feedback"].event_bus_name == "default"
    error_message = "SES publishes on the default bus only."
  }
}

run "mail_needs_tls_and_reports_back" {
  assert {
    condition = (
      aws_sesv2_configuration_set.this.delivery_options[0].tls_policy == "REQUIRE" &&
      aws_sesv2_configuration_set_event_destination.feedback.event_destination[0].matching_event_types == toset(["BOUNCE", "COMPLAINT"]) &&
      aws_sesv2_email_identity.this.configuration_set_name == "kassa-test"
    )
    error_message = "Mail of this identity goes through the configuration set, by TLS, and bounces and complaints come back."
  }

  assert {
    condition     = length(aws_route53_record.dkim) == 0 && length(aws_sns_sms_preferences.this) == 0
    error_message = "Without a zone and a limit, neither DNS nor the account's preferences are touched."
  }
}

run "consumers_read_and_do_not_write" {
  variables {
    consumer_roles = ["arn:aws:iam::123456789012:role/fulfilment"]
  }

  assert {
    condition = !contains(flatten([
      for statement in jsondecode(aws_sqs_queue_policy.this["orders"].policy).Statement : statement.Action if try(statement.Sid == "Consumers", false)
    ]), "sqs:SendMessage")
    error_message = "Consumers receive and delete."
  }
}

run "records_are_made_in_a_zone" {
  variables {
    dmarc_policy            = "v=DMARC1; p=none"
    zone_id                 = "Z1"
    sms_monthly_spend_limit = 50
  }

  assert {
    condition     = length(aws_route53_record.dkim) == 3 && length(aws_route53_record.dmarc) == 1 && length(aws_sns_sms_preferences.this) == 1
    error_message = "DKIM and SPF have their records, and DMARC if it is asked for."
  }
}

run "wrong_input_is_refused" {
  command = plan

  variables {
    mail_domain             = "orders@shop.example"
    archive_days            = 0
    consumer_roles          = ["*"]
    sms_monthly_spend_limit = 0
  }

  expect_failures = [var.mail_domain, var.archive_days, var.consumer_roles, var.sms_monthly_spend_limit]
}
