mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  repository = "example/kassa"
}

# The bucket may not be destroyed, so nothing is applied here.
run "the_state_is_safe" {
  command = plan

  assert {
    condition = (
      aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled" &&
      one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms" &&
      aws_s3_bucket_public_access_block.state.block_public_acls && aws_s3_bucket_public_access_block.state.restrict_public_buckets
    )
    error_message = "The state is versioned, encrypted and private."
  }
}

run "only_the_environment_of_the_repository_deploys" {
  command = plan

  override_resource {
    target          = aws_iam_openid_connect_provider.github
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }

  assert {
    condition = alltrue([
      for environment, role in aws_iam_role.deploy :
      jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:example/kassa:environment:${environment}"
    ])
    error_message = "A role is for jobs of the environment of its name, in this repository."
  }
}

run "an_environment_makes_its_own_roles_only" {
  command = plan

  override_resource {
    target          = aws_s3_bucket.state
    override_during = plan
    values          = { arn = "arn:aws:s3:::kassa-terraform-state-123456789012" }
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.roles["dev"].policy).Statement :
      statement.Effect == "Deny" ? statement.Sid == "KeepBackups" || strcontains(statement.Resource, "/prod/") : endswith(statement.Resource, ":role/kassa-dev-*")
    ])
    error_message = "The role of dev makes roles of dev, and is kept from the state of prod."
  }
}

run "a_deployment_deletes_no_backup" {
  command = plan

  override_resource {
    target          = aws_s3_bucket.state
    override_during = plan
    values          = { arn = "arn:aws:s3:::kassa-terraform-state-123456789012" }
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.roles :
      one([for statement in jsondecode(policy.policy).Statement : contains(statement.Action, "backup:DeleteRecoveryPoint") if statement.Sid == "KeepBackups"])
    ])
    error_message = "Recovery points are kept from every deploy role."
  }
}

run "a_repository_without_an_owner_is_refused" {
  command = plan

  variables {
    repository   = "kassa"
    environments = ["Production"]
  }

  expect_failures = [var.repository, var.environments]
}
