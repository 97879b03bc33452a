# AWS knows the certificate authority of GitHub, so no thumbprint is needed.
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

# Only jobs of the GitHub environment of the same name get the role, so the reviewers and branches that GitHub demands there
# count here.
resource "aws_iam_role" "deploy" {
  for_each = var.environments

  name                 = "kassa-deploy-${each.key}"
  description          = "Applies the Terraform of ${each.key}"
  max_session_duration = 7200

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = "repo:${var.repository}:environment:${each.key}"
        }
      }
    }]
  })
}

# Everything but IAM. The role makes keys, networks and databases, so a list of its actions would be as long as AWS's.
resource "aws_iam_role_policy_attachment" "power_user" {
  for_each = var.environments

  role       = aws_iam_role.deploy[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/PowerUserAccess"
}

resource "aws_iam_role_policy" "roles" {
  #checkov:skip=CKV_AWS_286:A role that deploys has to make the roles of what it deploys; they are those of its environment
  #checkov:skip=CKV_AWS_289:A role that deploys has to write the policies of those roles
  for_each = var.environments

  name = "roles-of-the-environment"
  role = aws_iam_role.deploy[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "Roles"
          Effect = "Allow"
          Action = [
            "iam:CreateRole", "iam:DeleteRole", "iam:GetRole", "iam:UpdateRole", "iam:UpdateRoleDescription",
            "iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:ListRoleTags", "iam:PutRolePolicy",
            "iam:GetRolePolicy", "iam:DeleteRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
          ]
          Resource = "arn:aws:iam::${local.account_id}:role/kassa-${each.key}-*"
        },
        {
          Sid      = "ManagedPolicies"
          Effect   = "Allow"
          Action   = ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
          Resource = "arn:aws:iam::${local.account_id}:role/kassa-${each.key}-*"
          Condition = {
            ArnEquals = {
              "iam:PolicyARN" = [
                "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers",
                "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
                "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores",
              ]
            }
          }
        },
        {
          Sid      = "PassRoles"
          Effect   = "Allow"
          Action   = "iam:PassRole"
          Resource = "arn:aws:iam::${local.account_id}:role/kassa-${each.key}-*"
          Condition = {
            StringEquals = {
              "iam:PassedToService" = ["backup.amazonaws.com", "ecs-tasks.amazonaws.com", "ecs.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
            }
          }
        },
      ],
      # Backups outlive mistakes of a deployment, and of whoever takes its role.
      [{
        Sid    = "KeepBackups"
        Effect = "Deny"
        Action = [
          "backup:DeleteBackupVault", "backup:DeleteBackupVaultLockConfiguration", "backup:DeleteRecoveryPoint",
          "backup:PutBackupVaultLockConfiguration", "kms:DisableKey", "kms:ScheduleKeyDeletion",
        ]
        Resource = "*"
      }],
      # One environment neither reads nor writes the state of another.
      [
        for other in setsubtract(var.environments, [each.key]) : {
          Sid      = "NotTheStateOf${title(other)}"
          Effect   = "Deny"
          Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
          Resource = "${aws_s3_bucket.state.arn}/${other}/*"
        }
      ],
    )
  })
}
