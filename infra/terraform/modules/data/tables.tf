locals {
  table_prefix = coalesce(var.table_prefix, "${var.name}-")

  # The tables that crates/store reads and writes. `crates/store/src/tables.rs` makes the same ones on local servers; a test
  # compares the two. Attributes are text unless `numbers` lists them, and every index holds whole rows.
  tables = {
    products  = { partition = "id" }
    catalogue = { partition = "list", sort = "place", local_indexes = { by_price = "price_place" } }
    stock-movements = {
      partition     = "product_id"
      sort          = "receipt_id"
      local_indexes = { by_time = "booked_as" }
    }
    event-log    = { partition = "order_id", sort = "sequence", numbers = ["sequence"] }
    reservations = { partition = "order_id" }
    notifications = {
      partition = "message_id"
      sort      = "channel"
      ttl       = "expires_at"
      global_indexes = {
        day      = { partition = "day", sort = "listed_as" }
        customer = { partition = "customer", sort = "listed_as" }
        order_id = { partition = "order_id", sort = "listed_as" }
      }
    }
    notification-settings = { partition = "user_id" }
    rate-limits           = { partition = "id", ttl = "expires_at" }
    users                 = { partition = "id" }
    carts                 = { partition = "id", ttl = "expires_at" }
    payment-valve         = { partition = "id", sort = "entry", ttl = "expires_at" }
  }

  # DynamoDB wants every attribute that a key uses declared once, and no other.
  attributes = {
    for name, table in local.tables : name => toset(compact(concat(
      [table.partition, try(table.sort, "")],
      values(try(table.local_indexes, {})),
      flatten([for index in values(try(table.global_indexes, {})) : [index.partition, index.sort]]),
    )))
  }
}

resource "aws_dynamodb_table" "this" {
  for_each = local.tables

  name                        = "${local.table_prefix}${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.partition
  range_key                   = try(each.value.sort, null)
  deletion_protection_enabled = var.deletion_protection
  tags                        = { backup = var.name }

  dynamic "attribute" {
    for_each = local.attributes[each.key]

    content {
      name = attribute.value
      type = contains(try(each.value.numbers, []), attribute.value) ? "N" : "S"
    }
  }

  # Local, so that the code can read them consistently.
  dynamic "local_secondary_index" {
    for_each = try(each.value.local_indexes, {})

    content {
      name            = local_secondary_index.key
      range_key       = local_secondary_index.value
      projection_type = "ALL"
    }
  }

  dynamic "global_secondary_index" {
    for_each = try(each.value.global_indexes, {})

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.partition
      range_key       = global_secondary_index.value.sort
      projection_type = "ALL"
    }
  }

  dynamic "ttl" {
    for_each = try([each.value.ttl], [])

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled                 = true
    recovery_period_in_days = 35
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }
}
