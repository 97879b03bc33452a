output "user_pool_id" {
  description = "Id of the user pool (KASSA_COGNITO_USER_POOL_ID)."
  value       = aws_cognito_user_pool.this.id
}

output "user_pool_arn" {
  description = "ARN of the user pool."
  value       = aws_cognito_user_pool.this.arn
}

output "client_id" {
  description = "Id of the API's app client (KASSA_COGNITO_CLIENT_ID)."
  value       = aws_cognito_user_pool_client.api.id
}

output "web_ui_client_id" {
  description = "Id of the web UI's app client (KASSA_CODEC_CLIENT_ID), or null without a web UI."
  value       = one(aws_cognito_user_pool_client.web_ui[*].id)
}

output "admin_group" {
  description = "Name of the administrators' group."
  value       = aws_cognito_user_group.admin.name
}

output "issuer" {
  description = "Issuer of access tokens (KASSA_TOKEN_ISSUER)."
  value       = "https://cognito-idp.${data.aws_region.current.region}.amazonaws.com/${aws_cognito_user_pool.this.id}"
}
