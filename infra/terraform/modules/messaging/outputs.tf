output "undelivered_queue_arn" {
  description = "ARN of the queue for events that could not be delivered."
  value       = aws_sqs_queue.undelivered.arn
}

output "event_bus_name" {
  description = "Name of the event bus (KASSA_EVENT_BUS)."
  value       = aws_cloudwatch_event_bus.this.name
}

output "event_bus_arn" {
  description = "ARN of the event bus."
  value       = aws_cloudwatch_event_bus.this.arn
}

output "queue_urls" {
  description = "URLs of the queues that consumers read."
  value       = { for name, queue in aws_sqs_queue.this : name => queue.id }
}

output "queue_arns" {
  description = "ARNs of the queues that consumers read."
  value       = { for name, queue in aws_sqs_queue.this : name => queue.arn }
}

output "dead_letter_queue_names" {
  description = "Names of all queues in which no message should be."
  value       = concat([aws_sqs_queue.undelivered.name], [for queue in aws_sqs_queue.dead : queue.name])
}

output "kms_key_arn" {
  description = "ARN of the key that consumers decrypt messages with."
  value       = aws_kms_key.this.arn
}

output "mail_identity_arn" {
  description = "ARN of the SES identity that mail comes from."
  value       = aws_sesv2_email_identity.this.arn
}

output "configuration_set_arn" {
  description = "ARN of the SES configuration set that the identity uses."
  value       = aws_sesv2_configuration_set.this.arn
}

output "configuration_set_name" {
  description = "Name of the SES configuration set."
  value       = aws_sesv2_configuration_set.this.configuration_set_name
}
