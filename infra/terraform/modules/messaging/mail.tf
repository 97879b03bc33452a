resource "aws_sesv2_configuration_set" "this" {
  configuration_set_name = var.name

  delivery_options {
    tls_policy = "REQUIRE"
  }

  reputation_options {
    reputation_metrics_enabled = true
  }

  sending_options {
    sending_enabled = true
  }

  # SES does not write again to an address that bounced or complained.
  suppression_options {
    suppressed_reasons = ["BOUNCE", "COMPLAINT"]
  }
}

resource "aws_sesv2_configuration_set_event_destination" "feedback" {
  configuration_set_name = aws_sesv2_configuration_set.this.configuration_set_name
  event_destination_name = "feedback"

  event_destination {
    enabled              = true
    matching_event_types = ["BOUNCE", "COMPLAINT"]

    event_bridge_destination {
      event_bus_arn = "arn:aws:events:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:event-bus/default"
    }
  }
}

# The worker names no configuration set, so the identity has this one as its default.
resource "aws_sesv2_email_identity" "this" {
  email_identity         = var.mail_domain
  configuration_set_name = aws_sesv2_configuration_set.this.configuration_set_name

  dkim_signing_attributes {
    next_signing_key_length = "RSA_2048_BIT"
  }
}

resource "aws_sesv2_email_identity_mail_from_attributes" "this" {
  email_identity         = aws_sesv2_email_identity.this.email_identity
  mail_from_domain       = "bounce.${var.mail_domain}"
  behavior_on_mx_failure = "USE_DEFAULT_VALUE"
}

locals {
  dkim_tokens = one(aws_sesv2_email_identity.this.dkim_signing_attributes[*].tokens)
}

resource "aws_route53_record" "dkim" {
  count = var.zone_id == null ? 0 : 3

  zone_id = var.zone_id
  name    = "${try(local.dkim_tokens[count.index], "dkim-${count.index}")}._domainkey.${var.mail_domain}"
  type    = "CNAME"
  ttl     = 1800
  records = ["${try(local.dkim_tokens[count.index], "dkim-${count.index}")}.dkim.amazonses.com"]
}

resource "aws_route53_record" "mail_from_mx" {
  count = var.zone_id == null ? 0 : 1

  zone_id = var.zone_id
  name    = aws_sesv2_email_identity_mail_from_attributes.this.mail_from_domain
  type    = "MX"
  ttl     = 1800
  records = ["10 feedback-smtp.${data.aws_region.current.region}.amazonses.com"]
}

resource "aws_route53_record" "mail_from_spf" {
  count = var.zone_id == null ? 0 : 1

  zone_id = var.zone_id
  name    = aws_sesv2_email_identity_mail_from_attributes.this.mail_from_domain
  type    = "TXT"
  ttl     = 1800
  records = ["v=spf1 include:amazonses.com -all"]
}

# The record speaks for all mail of the domain, also that of others.
resource "aws_route53_record" "dmarc" {
  count = var.zone_id == null || var.dmarc_policy == null ? 0 : 1

  zone_id = var.zone_id
  name    = "_dmarc.${var.mail_domain}"
  type    = "TXT"
  ttl     = 1800
  records = [var.dmarc_policy]
}

resource "aws_sns_sms_preferences" "this" {
  count = var.sms_monthly_spend_limit == null ? 0 : 1

  default_sms_type    = "Transactional"
  monthly_spend_limit = var.sms_monthly_spend_limit
}
