# Addresses from which CloudFront calls origins, those in a VPC included.
data "aws_ec2_managed_prefix_list" "cloudfront" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_security_group" "load_balancer" {
  name_prefix = "${var.name}-alb-"
  description = "Internal load balancer of the API"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-alb" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "cloudfront" {
  security_group_id = aws_security_group.load_balancer.id
  description       = "HTTPS from CloudFront"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront.id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "test" {
  for_each = toset(var.test_client_security_group_ids)

  security_group_id            = aws_security_group.load_balancer.id
  description                  = "Tests of a version before it gets traffic"
  referenced_security_group_id = each.key
  ip_protocol                  = "tcp"
  from_port                    = 8443
  to_port                      = 8443
}

data "aws_vpc" "this" {
  id = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  security_group_id = aws_security_group.load_balancer.id
  description       = "Requests and health checks to tasks"
  cidr_ipv4         = data.aws_vpc.this.cidr_block
  ip_protocol       = "tcp"
  from_port         = var.port
  to_port           = var.port
}

resource "aws_lb" "this" {
  #checkov:skip=CKV2_AWS_28:Requests pass the firewall at CloudFront, the only way in; a second one would count them twice
  #checkov:skip=CKV_AWS_150:Protection is a variable, which production switches on
  name                       = var.name
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.load_balancer.id]
  idle_timeout               = var.idle_timeout_seconds
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  enable_deletion_protection = var.deletion_protection

  # Adds the address of CloudFront behind that of the customer, which the API counts on.
  xff_header_processing_mode = "append"

  access_logs {
    enabled = true
    bucket  = aws_s3_bucket.logs.id
    prefix  = "load-balancer"
  }

  depends_on = [aws_s3_bucket_policy.logs]
}

# A deployment starts tasks in the group that has no traffic, and then moves it.
resource "aws_lb_target_group" "this" {
  #checkov:skip=CKV_AWS_378:TLS ends at the load balancer; from there on, traffic is inside the VPC and encrypted by the network
  for_each = toset(["blue", "green"])

  name                          = "${var.name}-${each.key}"
  vpc_id                        = var.vpc_id
  target_type                   = "ip"
  port                          = var.port
  protocol                      = "HTTP"
  load_balancing_algorithm_type = "least_outstanding_requests"

  # A checkout may wait for its answer for half a minute.
  deregistration_delay = 45

  health_check {
    path                = var.health_check_path
    matcher             = "200"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

locals {
  listeners = { production = 443, test = 8443 }

  # Metrics and readiness say too much about the inside.
  refused_paths = ["/metrics", "/ready"]
}

resource "aws_lb_listener" "this" {
  for_each = local.listeners

  load_balancer_arn = aws_lb.this.arn
  port              = each.value
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.load_balancer.certificate_arn

  # For requests that no rule knows, such as those for another host.
  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "Not found"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "refused" {
  for_each = local.listeners

  listener_arn = aws_lb_listener.this[each.key].arn
  priority     = 10

  condition {
    path_pattern {
      values = local.refused_paths
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "Not found"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "api" {
  for_each = local.listeners

  listener_arn = aws_lb_listener.this[each.key].arn
  priority     = 100

  condition {
    host_header {
      values = [var.domain]
    }
  }

  action {
    type = "forward"

    forward {
      target_group {
        arn    = aws_lb_target_group.this["blue"].arn
        weight = 100
      }

      target_group {
        arn    = aws_lb_target_group.this["green"].arn
        weight = 0
      }
    }
  }

  # Deployments move the weights.
  lifecycle {
    ignore_changes = [action]
  }
}
