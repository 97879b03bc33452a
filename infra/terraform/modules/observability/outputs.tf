output "alarm_topic_arn" {
  description = "ARN of the topic that alarms are sent to."
  value       = aws_sns_topic.alarms.arn

  # An alarm that may not publish yet would go off in silence.
  depends_on = [aws_sns_topic_policy.alarms]
}

output "log_kms_key_arn" {
  description = "ARN of the key that encrypts logs."
  value       = aws_kms_key.this.arn
}

output "alarm_names" {
  description = "Names of the alarms of this module."
  value       = concat([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name], [for alarm in aws_cloudwatch_metric_alarm.table_errors : alarm.alarm_name])
}

output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
