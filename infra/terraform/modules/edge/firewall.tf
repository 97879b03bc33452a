locals {
  managed_rules = {
    AWSManagedRulesCommonRuleSet          = 30
    AWSManagedRulesKnownBadInputsRuleSet  = 40
    AWSManagedRulesAmazonIpReputationList = 50
  }
}

# The firewall of a distribution is in us-east-1, wherever its origin is.
resource "aws_wafv2_web_acl" "this" {
  #checkov:skip=CKV_AWS_192:The rules against Log4j are among the managed ones below, which checkov does not see in a dynamic block
  region = "us-east-1"

  name        = var.name
  description = "In front of the API"
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  # Paths for operators and machines inside do not exist outside.
  rule {
    name     = "refused-paths"
    priority = 0

    action {
      block {
        custom_response {
          response_code = 404
        }
      }
    }

    statement {
      regex_match_statement {
        regex_string = "^/(metrics|ready)/?$"

        field_to_match {
          uri_path {}
        }

        text_transformation {
          priority = 0
          type     = "URL_DECODE"
        }

        text_transformation {
          priority = 1
          type     = "NORMALIZE_PATH"
        }

        text_transformation {
          priority = 2
          type     = "LOWERCASE"
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "refused-paths"
      sampled_requests_enabled   = true
    }
  }

  # Stripe calls from few addresses, and signs what it sends. Its events pass all rules below, up to a rate that no shop reaches.
  rule {
    name     = "webhook-rate"
    priority = 4

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = var.webhook_rate_limit
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300

        scope_down_statement {
          byte_match_statement {
            search_string         = "/api/webhooks/stripe"
            positional_constraint = "EXACTLY"

            field_to_match {
              uri_path {}
            }

            text_transformation {
              priority = 0
              type     = "NONE"
            }
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "webhook-rate"
      sampled_requests_enabled   = true
    }
  }

  rule {
    name     = "webhooks"
    priority = 5

    action {
      allow {}
    }

    statement {
      byte_match_statement {
        search_string         = "/api/webhooks/stripe"
        positional_constraint = "EXACTLY"

        field_to_match {
          uri_path {}
        }

        text_transformation {
          priority = 0
          type     = "NONE"
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "webhooks"
      sampled_requests_enabled   = true
    }
  }

  # Cards and passwords are tried here. The API limits them by caller, too.
  rule {
    name     = "sensitive-rate"
    priority = 10

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = var.sensitive_rate_limit
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300

        scope_down_statement {
          regex_match_statement {
            regex_string = "^/api/(checkout$|users/)"

            field_to_match {
              uri_path {}
            }

            text_transformation {
              priority = 0
              type     = "URL_DECODE"
            }

            text_transformation {
              priority = 1
              type     = "NORMALIZE_PATH"
            }
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "sensitive-rate"
      sampled_requests_enabled   = true
    }
  }

  rule {
    name     = "rate"
    priority = 20

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = var.rate_limit
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "rate"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules

    content {
      name     = rule.key
      priority = rule.value

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key

          # An import of products is larger than 8 kB; the API has a limit of its own for each body.
          dynamic "rule_action_override" {
            for_each = rule.key == "AWSManagedRulesCommonRuleSet" ? ["SizeRestrictions_BODY"] : []

            content {
              name = rule_action_override.value

              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}

# WAF delivers only to groups of this name, in its own region.
resource "aws_cloudwatch_log_group" "firewall" {
  #checkov:skip=CKV_AWS_338:Refused requests hold addresses, which are personal data; they are kept for as long as an attack is looked into
  #checkov:skip=CKV_AWS_158:A key of this region alone for refused requests, which hold no secret, is not worth its price
  region = "us-east-1"

  name              = "aws-waf-logs-${var.name}"
  retention_in_days = 30
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  region = "us-east-1"

  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall.arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  redacted_fields {
    single_header {
      name = "cookie"
    }
  }

  redacted_fields {
    single_header {
      name = "kassa-order-token"
    }
  }

  redacted_fields {
    single_header {
      name = "kassa-cart"
    }
  }

  # Requests that were let through are in the access logs.
  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      condition {
        action_condition {
          action = "BLOCK"
        }
      }

      condition {
        action_condition {
          action = "COUNT"
        }
      }
    }
  }
}
