locals {
  host = split(":", var.address)[0]
  port = tonumber(split(":", var.address)[1])
}

resource "aws_security_group" "private_link" {
  count = var.private_link == null ? 0 : 1

  name_prefix = "${var.name}-temporal-"
  description = "PrivateLink endpoint of Temporal Cloud"
  vpc_id      = var.private_link.vpc_id
  tags        = { Name = "${var.name}-temporal" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "private_link" {
  for_each = toset(try(var.private_link.client_cidr_blocks, []))

  security_group_id = aws_security_group.private_link[0].id
  description       = "gRPC from API and workers"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = local.port
  to_port           = local.port
}

resource "aws_vpc_endpoint" "private_link" {
  count = var.private_link == null ? 0 : 1

  vpc_id              = var.private_link.vpc_id
  service_name        = var.private_link.service_name
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = false
  subnet_ids          = var.private_link.subnet_ids
  security_group_ids  = [aws_security_group.private_link[0].id]
  tags                = { Name = "${var.name}-temporal" }
}

# The zone is the host itself, so that no other name of Temporal changes its meaning inside the VPC. The name stays the one
# in the server's certificate.
resource "aws_route53_zone" "private_link" {
  #checkov:skip=CKV2_AWS_38:DNSSEC does not exist for private zones
  #checkov:skip=CKV2_AWS_39:Queries of a private zone are in the resolver's log, which belongs to the account
  count = var.private_link == null ? 0 : 1

  name    = local.host
  comment = "Leads to the PrivateLink endpoint of Temporal Cloud"

  vpc {
    vpc_id = var.private_link.vpc_id
  }
}

resource "aws_route53_record" "private_link" {
  count = var.private_link == null ? 0 : 1

  zone_id = aws_route53_zone.private_link[0].zone_id
  name    = local.host
  type    = "A"

  alias {
    name                   = aws_vpc_endpoint.private_link[0].dns_entry[0].dns_name
    zone_id                = aws_vpc_endpoint.private_link[0].dns_entry[0].hosted_zone_id
    evaluate_target_health = false
  }
}
