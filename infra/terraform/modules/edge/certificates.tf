# CloudFront takes certificates of us-east-1 only.
resource "aws_acm_certificate" "cloudfront" {
  region = "us-east-1"

  domain_name       = var.domain
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate" "load_balancer" {
  domain_name       = var.domain
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # The same domain in the same account is proven by the same record, in every region.
  proof = one([for option in aws_acm_certificate.load_balancer.domain_validation_options : option if option.domain_name == var.domain])
}

resource "aws_route53_record" "proof" {
  zone_id = var.zone_id
  name    = try(local.proof.resource_record_name, "_proof.${var.domain}")
  type    = try(local.proof.resource_record_type, "CNAME")
  ttl     = 300
  records = [try(local.proof.resource_record_value, "pending.${var.domain}")]
}

resource "aws_acm_certificate_validation" "cloudfront" {
  region = "us-east-1"

  certificate_arn         = aws_acm_certificate.cloudfront.arn
  validation_record_fqdns = [aws_route53_record.proof.fqdn]
}

resource "aws_acm_certificate_validation" "load_balancer" {
  certificate_arn         = aws_acm_certificate.load_balancer.arn
  validation_record_fqdns = [aws_route53_record.proof.fqdn]
}
