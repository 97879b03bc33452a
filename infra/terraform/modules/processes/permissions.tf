locals {
  # The actions that each process needs, as tests have seen them. A transaction needs those of its parts.
  permissions = jsondecode(file("${path.module}/permissions.json"))

  # One statement for each table and each index, with the actions that are "on" it.
  on_tables = {
    for process, actions in local.permissions : process => [
      for place, of_place in {
        for action in actions : split(" on ", action)[1] => split(" on ", action)[0]... if strcontains(action, " on ")
        } : {
        sid       = replace(title(replace(place, "/[^a-z]+/", " ")), " ", "")
        actions   = of_place
        resources = ["${var.data.table_arns[split("/", place)[0]]}${replace(place, "/^[^/]*/", "")}"]
      }
    ]
  }

  # The resources of the other services. Every process has one of each.
  services = {
    rds-data = {
      sid       = "Orders"
      resources = [var.data.cluster_arn]
    }
    # Of Cognito's actions, only those of an administrator need a permission; the others carry the token or the password of a
    # customer.
    cognito-idp = {
      sid       = "Accounts"
      resources = [var.identity.user_pool_arn]
    }
    events = {
      sid       = "Events"
      resources = [var.messaging.event_bus_arn]
      conditions = {
        StringEquals = { "events:source" = ["kassa.checkout"] }
      }
    }
    # SES checks the configuration set that the identity has as its default, too.
    ses = {
      sid       = "Mail"
      resources = [var.messaging.mail_identity_arn, var.messaging.configuration_set_arn]
      conditions = {
        StringEquals = { "ses:FromAddress" = [var.mail_from] }
      }
    }
    # A telephone number has no ARN, so this cannot be narrowed by naming what is allowed.
    sns = {
      sid       = "TextMessages"
      resources = ["*"]
    }
  }

  on_services = {
    for process, actions in local.permissions : process => [
      for service, scope in local.services : merge(scope, { actions = [for action in actions : action if startswith(action, "${service}:")] })
      if anytrue([for action in actions : startswith(action, "${service}:")])
    ]
  }

  # The Data API reads the secret of the database with the permissions of its caller.
  database_secret = [
    {
      sid       = "DatabaseSecret"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [var.data.secret_arn]
    },
    {
      sid       = "DatabaseSecretKey"
      actions   = ["kms:Decrypt"]
      resources = [var.data.kms_key_arn]
      conditions = {
        StringEquals = { "kms:ViaService" = ["secretsmanager.${var.region}.amazonaws.com"] }
      }
    },
  ]

  # DynamoDB uses the key of its tables in the name of its caller.
  tables_key = [{
    sid       = "TablesKey"
    actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:DescribeKey"]
    resources = [var.data.kms_key_arn]
    conditions = {
      StringEquals = { "kms:ViaService" = ["dynamodb.${var.region}.amazonaws.com"] }
    }
  }]

  # Everything of SNS that has an ARN is taken away again: topics, platform applications and devices.
  text_messages_only = [{
    sid       = "TextMessagesOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = ["arn:aws:sns:*:*:*"]
  }]

  statements = {
    for process, on_services in local.on_services : process => concat(
      on_services,
      local.on_tables[process],
      local.database_secret,
      length(local.on_tables[process]) > 0 ? local.tables_key : [],
      contains(on_services[*].sid, "TextMessages") ? local.text_messages_only : [],
    )
  }
}
