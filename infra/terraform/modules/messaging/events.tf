resource "aws_cloudwatch_event_bus" "this" {
  name               = var.name
  description        = "Events of orders"
  kms_key_identifier = aws_kms_key.this.arn

  # Takes events that the bus could not decrypt.
  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }
}

resource "aws_cloudwatch_event_archive" "this" {
  name               = var.name
  description        = "Events of orders, to be replayed after a mistake of a consumer"
  event_source_arn   = aws_cloudwatch_event_bus.this.arn
  retention_days     = var.archive_days
  kms_key_identifier = aws_kms_key.this.arn

  # A replay puts events on the bus again. They are not archived a second time.
  event_pattern = jsonencode({
    source        = ["kassa.checkout"]
    "replay-name" = [{ exists = false }]
  })
}

locals {
  # Queues with the bus and the pattern of their events. SES can publish on the default bus only.
  subscriptions = {
    orders = {
      bus         = aws_cloudwatch_event_bus.this.name
      description = "Every event of an order"
      pattern     = { source = ["kassa.checkout"], "detail-type" = [{ prefix = "order." }] }
    }
    mail-feedback = {
      bus         = "default"
      description = "Bounces and complaints about mail of this environment"
      pattern = {
        source        = ["aws.ses"]
        "detail-type" = ["Email Bounced", "Email Complaint Received"]
        detail        = { mail = { tags = { "ses:configuration-set" = [aws_sesv2_configuration_set.this.configuration_set_name] } } }
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.subscriptions

  name           = "${var.name}-${each.key}"
  description    = each.value.description
  event_bus_name = each.value.bus
  event_pattern  = jsonencode(each.value.pattern)
  state          = "ENABLED"
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.subscriptions

  rule           = aws_cloudwatch_event_rule.this[each.key].name
  event_bus_name = each.value.bus
  target_id      = "queue"
  arn            = aws_sqs_queue.this[each.key].arn

  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }

  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
}
