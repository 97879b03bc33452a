# Events that EventBridge could not hand to a queue, or not decrypt.
resource "aws_sqs_queue" "undelivered" {
  name                      = "${var.name}-undelivered"
  message_retention_seconds = 1209600
  kms_master_key_id         = aws_kms_key.this.arn
}

# Events that a consumer received five times and did not finish.
resource "aws_sqs_queue" "dead" {
  for_each = local.subscriptions

  name                      = "${var.name}-${each.key}-dead"
  message_retention_seconds = 1209600
  kms_master_key_id         = aws_kms_key.this.arn
}

resource "aws_sqs_queue" "this" {
  for_each = local.subscriptions

  name                       = "${var.name}-${each.key}"
  message_retention_seconds  = 345600
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20
  kms_master_key_id          = aws_kms_key.this.arn

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[each.key].arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  for_each = local.subscriptions

  queue_url = aws_sqs_queue.dead[each.key].id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this[each.key].arn]
  })
}

# Fed by EventBridge alone; no queue names it as its dead letters.
resource "aws_sqs_queue_redrive_allow_policy" "undelivered" {
  queue_url            = aws_sqs_queue.undelivered.id
  redrive_allow_policy = jsonencode({ redrivePermission = "denyAll" })
}

locals {
  tls_only = {
    Sid       = "OnlyTls"
    Effect    = "Deny"
    Principal = "*"
    Action    = "sqs:*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  consumers = length(var.consumer_roles) == 0 ? [] : [{
    Sid       = "Consumers"
    Effect    = "Allow"
    Principal = { AWS = var.consumer_roles }
    Action    = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
  }]
}

resource "aws_sqs_queue_policy" "this" {
  for_each = local.subscriptions

  queue_url = aws_sqs_queue.this[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat([local.tls_only], local.consumers, [{
        Sid       = "FromItsRule"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.this[each.key].arn } }
      }]) : merge(statement, { Resource = aws_sqs_queue.this[each.key].arn })
    ]
  })
}

resource "aws_sqs_queue_policy" "dead" {
  for_each = local.subscriptions

  queue_url = aws_sqs_queue.dead[each.key].id
  policy    = jsonencode({ Version = "2012-10-17", Statement = [merge(local.tls_only, { Resource = aws_sqs_queue.dead[each.key].arn })] })
}

resource "aws_sqs_queue_policy" "undelivered" {
  queue_url = aws_sqs_queue.undelivered.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      merge(local.tls_only, { Resource = aws_sqs_queue.undelivered.arn }),
      {
        Sid       = "FromItsRules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.undelivered.arn
        Condition = {
          ArnEquals = {
            "aws:SourceArn" = concat(
              [for rule in aws_cloudwatch_event_rule.this : rule.arn],
              # By name: the bus and the rule about backups refer to this queue themselves.
              [
                "arn:aws:events:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:event-bus/${var.name}",
                "arn:aws:events:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:rule/${var.name}-backup-failed",
              ],
            )
          }
        }
      },
    ]
  })
}
