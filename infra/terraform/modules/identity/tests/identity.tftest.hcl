mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_resource "aws_cognito_user_pool" {
    defaults = { id = "eu-central-1_test" }
  }
}

variables {
  name = "kassa-test"
}

run "passwords_are_those_of_the_api" {
  assert {
    condition = (
      aws_cognito_user_pool.this.password_policy[0].minimum_length == 8 &&
      aws_cognito_user_pool.this.password_policy[0].require_symbols &&
      !aws_cognito_user_pool.this.password_policy[0].require_numbers &&
      !aws_cognito_user_pool.this.password_policy[0].require_uppercase
    )
    error_message = "A password that the API accepts is accepted by the pool: 8 characters, one of them special."
  }
}

run "the_api_client_fits_the_api" {
  assert {
    condition = (
      !aws_cognito_user_pool_client.api.generate_secret &&
      aws_cognito_user_pool_client.api.explicit_auth_flows == toset(["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]) &&
      aws_cognito_user_pool_client.api.prevent_user_existence_errors == "ENABLED"
    )
    error_message = "The client has no secret, allows passwords and refreshing, and does not tell who has an account."
  }

  assert {
    condition     = aws_cognito_user_group.admin.name == "admin"
    error_message = "The group is the API's default."
  }

  assert {
    condition     = output.issuer == "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_test"
    error_message = "The issuer is region and pool."
  }
}

run "there_is_no_web_ui_client_without_a_web_ui" {
  assert {
    condition     = length(aws_cognito_user_pool_client.web_ui) == 0 && output.web_ui_client_id == null
    error_message = "Nothing is made for a web UI that does not exist."
  }
}

run "the_web_ui_has_a_client_of_its_own" {
  variables {
    web_ui = { url = "https://temporal.shop.example", domain_prefix = "kassa-test-shop" }
  }

  assert {
    condition = (
      aws_cognito_user_pool_client.web_ui[0].callback_urls == toset(["https://temporal.shop.example/auth/sso/callback"]) &&
      aws_cognito_user_pool_client.web_ui[0].allowed_oauth_flows == toset(["code"]) &&
      !contains(aws_cognito_user_pool_client.web_ui[0].explicit_auth_flows, "ALLOW_USER_PASSWORD_AUTH")
    )
    error_message = "Operators sign in on Cognito's page by the code flow, and come back to the web UI only."
  }
}

run "codes_are_mailed_through_ses" {
  variables {
    mail = { identity_arn = "arn:aws:ses:eu-central-1:123456789012:identity/shop.example", from = "Shop <orders@shop.example>" }
  }

  assert {
    condition     = aws_cognito_user_pool.this.email_configuration[0].email_sending_account == "DEVELOPER"
    error_message = "With an identity, mail goes through SES."
  }
}

run "plain_http_is_refused" {
  command = plan

  variables {
    web_ui = { url = "http://temporal.shop.example", domain_prefix = "Kassa" }
  }

  expect_failures = [var.web_ui]
}
