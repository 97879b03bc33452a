mock_provider "aws" {
  mock_resource "aws_vpc_endpoint" {
    defaults = { dns_entry = [{ dns_name = "vpce-1.vpce-svc-1.eu-central-1.vpce.amazonaws.com", hosted_zone_id = "Z1" }] }
  }
}

variables {
  name               = "kassa-test"
  address            = "eu-central-1.aws.api.temporal.io:7233"
  namespace          = "kassa-test.a1b2c"
  api_key_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kassa-test/TEMPORAL_API_KEY"
}

run "processes_get_address_namespace_and_key" {
  assert {
    condition     = output.environment == { TEMPORAL_ADDRESS = "eu-central-1.aws.api.temporal.io:7233", TEMPORAL_NAMESPACE = "kassa-test.a1b2c" }
    error_message = "The settings are those that every Temporal tool reads."
  }

  assert {
    condition     = length(output.secrets) == 1 && output.secrets["TEMPORAL_API_KEY"] == var.api_key_secret_arn && output.port == 7233
    error_message = "The key comes from its secret, and never from the environment."
  }

  assert {
    condition     = length(aws_vpc_endpoint.private_link) == 0 && length(aws_route53_zone.private_link) == 0
    error_message = "Without PrivateLink nothing is made."
  }
}

run "private_link_answers_to_the_usual_name" {
  variables {
    private_link = {
      service_name       = "com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0"
      vpc_id             = "vpc-1"
      subnet_ids         = ["subnet-1", "subnet-2"]
      client_cidr_blocks = ["10.20.0.0/20", "10.20.16.0/20"]
    }
  }

  assert {
    condition = (
      aws_route53_zone.private_link[0].name == "eu-central-1.aws.api.temporal.io" &&
      aws_route53_record.private_link[0].alias[0].name == "vpce-1.vpce-svc-1.eu-central-1.vpce.amazonaws.com"
    )
    error_message = "The usual name leads to the endpoint."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.private_link : rule.from_port == 7233 && rule.to_port == 7233])
    error_message = "The endpoint takes gRPC and nothing else."
  }
}

run "a_server_of_your_own_has_no_key" {
  variables {
    mode               = "self_hosted"
    address            = "temporal.internal:7233"
    namespace          = "kassa"
    api_key_secret_arn = null
  }

  assert {
    condition     = length(output.secrets) == 0
    error_message = "No secret is asked for."
  }
}

run "the_search_attributes_are_a_map_of_types" {
  assert {
    condition     = length(output.search_attributes) == 4 && alltrue([for kind in values(output.search_attributes) : contains(["Keyword", "Int"], kind)])
    error_message = "Four attributes, each with a type that Kassa uses."
  }
}

run "cloud_without_a_key_is_refused" {
  command = plan

  variables {
    api_key_secret_arn = null
  }

  expect_failures = [var.api_key_secret_arn]
}

run "an_address_without_a_port_is_refused" {
  command = plan

  variables {
    address = "eu-central-1.aws.api.temporal.io"
  }

  expect_failures = [var.address]
}

run "a_cloud_namespace_names_its_account" {
  command = plan

  variables {
    namespace = "kassa-test"
  }

  expect_failures = [var.namespace]
}

run "an_unknown_kind_is_refused" {
  command = plan

  variables {
    mode               = "helm"
    api_key_secret_arn = null
  }

  expect_failures = [var.mode]
}
