output "load_balancer" {
  description = "Listener rules, target groups and security group that the service behind the load balancer needs."
  value = {
    port                = var.port
    security_group_id   = aws_security_group.load_balancer.id
    arn_suffix          = aws_lb.this.arn_suffix
    blue                = { arn = aws_lb_target_group.this["blue"].arn, arn_suffix = aws_lb_target_group.this["blue"].arn_suffix }
    green               = { arn = aws_lb_target_group.this["green"].arn, arn_suffix = aws_lb_target_group.this["green"].arn_suffix }
    production_rule_arn = aws_lb_listener_rule.api["production"].arn
    test_rule_arn       = aws_lb_listener_rule.api["test"].arn
  }
}

output "idle_timeout_seconds" {
  description = "Idle time-out of the load balancer."
  value       = aws_lb.this.idle_timeout
}

output "distribution_id" {
  description = "Id of the CloudFront distribution."
  value       = aws_cloudfront_distribution.this.id
}

output "url" {
  description = "Address of the API."
  value       = "https://${var.domain}"
}
