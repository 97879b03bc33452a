data "aws_region" "current" {}

resource "aws_cognito_user_pool" "this" {
  name                     = var.name
  user_pool_tier           = "ESSENTIALS"
  deletion_protection      = var.deletion_protection ? "ACTIVE" : "INACTIVE"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]

  # The API signs users in with a password and answers no further challenge.
  mfa_configuration = "OFF"

  username_configuration {
    case_sensitive = false
  }

  # The API asks for the same before a password gets here. A stricter policy would refuse what the API has promised.
  password_policy {
    minimum_length                   = 8
    require_symbols                  = true
    require_lowercase                = false
    require_uppercase                = false
    require_numbers                  = false
    temporary_password_validity_days = 7
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  # An address counts only once its owner has proven to read mail there.
  user_attribute_update_settings {
    attributes_require_verification_before_update = ["email"]
  }

  dynamic "email_configuration" {
    for_each = var.mail[*]

    content {
      email_sending_account = "DEVELOPER"
      source_arn            = email_configuration.value.identity_arn
      from_email_address    = email_configuration.value.from
      configuration_set     = email_configuration.value.configuration_set
    }
  }
}

# Without a secret, because the API sends none. Refresh tokens are not rotated: a pool that rotates them refuses the flow by
# which the API refreshes.
resource "aws_cognito_user_pool_client" "api" {
  name                          = "${var.name}-api"
  user_pool_id                  = aws_cognito_user_pool.this.id
  generate_secret               = false
  explicit_auth_flows           = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
  prevent_user_existence_errors = "ENABLED"
  enable_token_revocation       = true
  access_token_validity         = 60
  id_token_validity             = 60
  refresh_token_validity        = 30

  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "days"
  }
}

resource "aws_cognito_user_group" "admin" {
  name         = var.admin_group
  user_pool_id = aws_cognito_user_pool.this.id
  description  = "Administrators of the shop, who may also read payloads at the codec endpoint"
}

resource "aws_cognito_user_pool_domain" "web_ui" {
  count = var.web_ui == null ? 0 : 1

  domain                = var.web_ui.domain_prefix
  user_pool_id          = aws_cognito_user_pool.this.id
  managed_login_version = 1
}

# Its tokens open payloads at /api/codec and nothing else. A generated secret would be kept in Terraform's state.
resource "aws_cognito_user_pool_client" "web_ui" {
  count = var.web_ui == null ? 0 : 1

  name                                 = "${var.name}-temporal-ui"
  user_pool_id                         = aws_cognito_user_pool.this.id
  generate_secret                      = false
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["openid", "email", "profile"]
  supported_identity_providers         = ["COGNITO"]
  callback_urls                        = ["${var.web_ui.url}/auth/sso/callback"]
  logout_urls                          = [var.web_ui.url]
  explicit_auth_flows                  = ["ALLOW_REFRESH_TOKEN_AUTH"]
  prevent_user_existence_errors        = "ENABLED"
  enable_token_revocation              = true
  access_token_validity                = 60
  id_token_validity                    = 60
  refresh_token_validity               = 12

  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "hours"
  }
}
