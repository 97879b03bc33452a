mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  name                    = "kassa-test"
  alarm_addresses         = ["operations@shop.example"]
  undelivered_queue_arn   = "arn:aws:sqs:eu-central-1:123456789012:kassa-test-undelivered"
  dead_letter_queue_names = ["kassa-test-undelivered", "kassa-test-orders-dead"]
  table_names             = { products = "kassa-test-products", carts = "kassa-test-carts" }
  cluster_identifier      = "kassa-test"
  max_capacity            = 8
  ecs_cluster_name        = "kassa-test"
  service_names           = ["kassa-test-api"]
  event_bus_name          = "kassa-test"
  monthly_budget          = 500

  load_balancer = {
    arn_suffix = "app/kassa-test/1"
    blue       = { arn_suffix = "targetgroup/blue/1" }
    green      = { arn_suffix = "targetgroup/green/1" }
  }
}

run "every_dead_letter_queue_has_an_alarm" {
  assert {
    condition = alltrue([
      for queue in var.dead_letter_queue_names :
      aws_cloudwatch_metric_alarm.this["${queue}-not-empty"].threshold == 0 &&
      aws_cloudwatch_metric_alarm.this["${queue}-not-empty"].comparison_operator == "GreaterThanThreshold" &&
      aws_cloudwatch_metric_alarm.this["${queue}-not-empty"].dimensions.QueueName == queue
    ])
    error_message = "One message in a queue of dead letters is enough."
  }
}

run "every_table_has_its_alarms" {
  assert {
    condition = alltrue([
      for table in values(var.table_names) :
      contains(output.alarm_names, "${table}-readthrottleevents") && contains(output.alarm_names, "${table}-writethrottleevents") &&
      contains(output.alarm_names, "${table}-systemerrors")
    ])
    error_message = "Throttles and errors of every table are seen."
  }
}

run "alarms_reach_somebody_encrypted" {
  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.table_errors)) :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && length(alarm.alarm_description) > 20
    ])
    error_message = "Every alarm goes to the topic and says what to do."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == aws_kms_key.this.arn && length(aws_sns_topic_subscription.mail) == 1
    error_message = "The topic is encrypted, and somebody reads it."
  }

  assert {
    condition = alltrue([
      for service in ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] :
      anytrue([for s in jsondecode(aws_kms_key.this.policy).Statement : s.Sid == "Alarms" && contains(flatten([try(s.Principal.Service, [])]), service)]) &&
      anytrue([for s in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : s.Sid == "Alarms" && contains(flatten([try(s.Principal.Service, [])]), service)])
    ])
    error_message = "Alarms and budget may use the topic and its key."
  }
}

run "the_database_is_watched_below_its_limit" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["kassa-test-database-at-limit"].threshold < 8 && aws_cloudwatch_metric_alarm.this["kassa-test-database-at-limit"].evaluation_periods == 15
    error_message = "The alarm goes off when the largest capacity is reached."
  }
}

run "mail_stops_us_before_ses_does" {
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["kassa-test-mail-bounces"].threshold < 0.05 && aws_cloudwatch_metric_alarm.this["kassa-test-mail-complaints"].threshold == 0.001
    error_message = "Bounces and complaints are seen before SES reviews the account."
  }
}

run "the_budget_is_that_of_the_environment" {
  assert {
    condition     = one(aws_budgets_budget.this.cost_filter).values[0] == "user:environment$test" && length(aws_budgets_budget.this.notification) == 2
    error_message = "The budget counts what has the tag of the environment."
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 8
    error_message = "The dashboard shows API, tasks, data and events."
  }
}

run "wrong_input_is_refused" {
  command = plan

  variables {
    alarm_addresses = ["operations"]
    monthly_budget  = 0
  }

  expect_failures = [var.alarm_addresses, var.monthly_budget]
}
