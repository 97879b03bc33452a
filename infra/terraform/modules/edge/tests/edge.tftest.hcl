mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_vpc" {
    defaults = { cidr_block = "10.20.0.0/16" }
  }

  mock_data "aws_ec2_managed_prefix_list" {
    defaults = { id = "pl-cloudfront" }
  }
}

variables {
  name       = "kassa-test"
  domain     = "api.shop.example"
  zone_id    = "Z1"
  vpc_id     = "vpc-1"
  subnet_ids = ["subnet-1", "subnet-2"]
}

run "nothing_is_public_but_cloudfront" {
  assert {
    condition     = aws_lb.this.internal && aws_lb.this.drop_invalid_header_fields && aws_lb.this.xff_header_processing_mode == "append"
    error_message = "The load balancer has no public address, and adds to the addresses that CloudFront sends."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.cloudfront.prefix_list_id == "pl-cloudfront" && aws_vpc_security_group_ingress_rule.cloudfront.to_port == 443 && length(aws_vpc_security_group_ingress_rule.test) == 0
    error_message = "Only CloudFront reaches the load balancer, by HTTPS."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.tasks.cidr_ipv4 == "10.20.0.0/16" && aws_vpc_security_group_egress_rule.tasks.from_port == 8080
    error_message = "The load balancer calls tasks only."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.logs.block_public_policy && aws_s3_bucket_public_access_block.logs.restrict_public_buckets
    error_message = "Access logs are private."
  }
}

run "everything_is_by_tls" {
  assert {
    condition = (
      alltrue([for listener in aws_lb_listener.this : listener.protocol == "HTTPS"]) &&
      aws_cloudfront_distribution.this.default_cache_behavior[0].viewer_protocol_policy == "https-only" &&
      aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" &&
      aws_cloudfront_vpc_origin.this.vpc_origin_endpoint_config[0].origin_protocol_policy == "https-only"
    )
    error_message = "From the browser to the load balancer, everything is encrypted."
  }

  assert {
    condition     = aws_acm_certificate.cloudfront.region == "us-east-1" && aws_wafv2_web_acl.this.region == "us-east-1" && aws_wafv2_web_acl.this.scope == "CLOUDFRONT"
    error_message = "Certificate and firewall of CloudFront are in us-east-1."
  }
}

run "only_products_are_cached" {
  assert {
    condition = (
      aws_cloudfront_distribution.this.default_cache_behavior[0].cache_policy_id == local.caching_disabled &&
      one(aws_cloudfront_distribution.this.ordered_cache_behavior).path_pattern == "/api/products*"
    )
    error_message = "Carts, orders and accounts are never kept."
  }

  assert {
    condition = (
      aws_cloudfront_cache_policy.products.min_ttl == 0 && aws_cloudfront_cache_policy.products.default_ttl == 0 &&
      contains(aws_cloudfront_cache_policy.products.parameters_in_cache_key_and_forwarded_to_origin[0].headers_config[0].headers[0].items, "Authorization")
    )
    error_message = "Products are kept if the API says so, and for each caller apart."
  }
}

run "the_inside_is_not_shown" {
  assert {
    condition = alltrue([
      for rule in aws_lb_listener_rule.refused :
      one(rule.condition).path_pattern[0].values == toset(["/metrics", "/ready"]) && rule.action[0].fixed_response[0].status_code == "404" &&
      rule.priority < 100
    ])
    error_message = "Both listeners refuse metrics and readiness before anything is forwarded."
  }

  assert {
    condition     = one([for rule in aws_wafv2_web_acl.this.rule : rule.action[0].block[0].custom_response[0].response_code if rule.name == "refused-paths"]) == 404
    error_message = "The firewall refuses them at the edge."
  }
}

run "attackers_are_slowed_down" {
  assert {
    condition = (
      one([for rule in aws_wafv2_web_acl.this.rule : rule.statement[0].rate_based_statement[0].limit if rule.name == "sensitive-rate"]) == 200 &&
      one([for rule in aws_wafv2_web_acl.this.rule : rule.statement[0].rate_based_statement[0].limit if rule.name == "rate"]) == 2000
    )
    error_message = "Checkouts and accounts have a stricter limit."
  }

  assert {
    condition     = contains([for rule in aws_wafv2_web_acl.this.rule : rule.name], "AWSManagedRulesCommonRuleSet") && aws_cloudfront_distribution.this.web_acl_id == aws_wafv2_web_acl.this.arn
    error_message = "The distribution has the firewall with the common rules."
  }
}

run "deployments_have_two_sides" {
  assert {
    condition     = length(aws_lb_target_group.this) == 2 && output.load_balancer.blue.arn != output.load_balancer.green.arn && output.load_balancer.production_rule_arn != output.load_balancer.test_rule_arn
    error_message = "Blue and green, production and test."
  }

  assert {
    condition     = toset([for target in aws_lb_listener_rule.api["production"].action[0].forward[0].target_group : target.weight]) == toset([0, 100])
    error_message = "At the beginning, blue has all traffic."
  }

  assert {
    condition     = alltrue([for group in aws_lb_target_group.this : group.health_check[0].path == "/ready" && tonumber(group.deregistration_delay) > 30])
    error_message = "A task gets requests once it is ready, and may finish a checkout."
  }
}

run "a_paused_database_is_left_asleep" {
  variables {
    health_check_path = "/health"
  }

  assert {
    condition     = alltrue([for group in aws_lb_target_group.this : group.health_check[0].path == "/health"])
    error_message = "Development asks only whether the process is alive."
  }
}

run "wrong_input_is_refused" {
  command = plan

  variables {
    domain               = "https://api.shop.example"
    health_check_path    = "/"
    idle_timeout_seconds = 20
    sensitive_rate_limit = 5000
    price_class          = "cheap"
    subnet_ids           = ["subnet-1"]
    log_retention_days   = 0
  }

  expect_failures = [
    var.domain, var.health_check_path, var.idle_timeout_seconds, var.sensitive_rate_limit, var.price_class, var.subnet_ids,
    var.log_retention_days,
  ]
}
