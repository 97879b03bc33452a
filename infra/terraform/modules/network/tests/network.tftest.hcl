mock_provider "aws" {}

variables {
  name               = "kassa-test"
  availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  log_kms_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/logs"
}

run "each_zone_has_its_own_way_out" {
  assert {
    condition     = length(aws_nat_gateway.this) == 3
    error_message = "per_zone makes a NAT gateway in each zone."
  }

  assert {
    condition = alltrue([
      for zone in var.availability_zones : aws_route.nat[zone].nat_gateway_id == aws_nat_gateway.this[zone].id
    ])
    error_message = "Traffic leaves through the gateway of its own zone."
  }
}

run "one_gateway_serves_all_zones" {
  variables {
    nat_gateways = "single"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(distinct([for route in aws_route.nat : route.nat_gateway_id])) == 1
    error_message = "single makes one gateway, and every private subnet uses it."
  }
}

run "private_subnets_are_private" {
  assert {
    condition     = alltrue([for route in aws_route.nat : route.gateway_id != aws_internet_gateway.this.id])
    error_message = "No private subnet has a route to the internet gateway."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "No subnet hands out public addresses."
  }

  assert {
    condition     = length(distinct(concat([for s in aws_subnet.private : s.cidr_block], [for s in aws_subnet.public : s.cidr_block]))) == 6
    error_message = "Subnets do not overlap."
  }
}

run "traffic_is_logged_encrypted" {
  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.kms_key_id == var.log_kms_key_arn
    error_message = "All traffic is logged, under the key for logs."
  }
}

run "gateway_endpoints_are_free_and_always_there" {
  assert {
    condition = (
      aws_vpc_endpoint.dynamodb.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" &&
      length(aws_vpc_endpoint.interface) == 0 && length(aws_security_group.endpoints) == 0
    )
    error_message = "Without a choice there are the two gateway endpoints and nothing that costs."
  }
}

run "interface_endpoints_answer_to_private_names" {
  variables {
    interface_endpoints = "all"
  }

  assert {
    condition     = contains(keys(aws_vpc_endpoint.interface), "rds-data") && alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled])
    error_message = "The Data API is among the endpoints, and processes find all of them under their usual names."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.endpoints : rule.from_port == 443 && rule.to_port == 443 && rule.cidr_ipv4 != "0.0.0.0/0"])
    error_message = "Only private subnets reach the endpoints, and only by HTTPS."
  }
}

run "wrong_choices_are_refused" {
  command = plan

  variables {
    name                = "shop"
    nat_gateways        = "two"
    interface_endpoints = "some"
    availability_zones  = ["eu-central-1a"]
    cidr_block          = "10.20.0.0/28"
  }

  expect_failures = [
    var.name, var.nat_gateways, var.interface_endpoints, var.availability_zones, var.cidr_block,
  ]
}
