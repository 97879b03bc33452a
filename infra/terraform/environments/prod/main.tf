# The same text in every environment. Differences are in sizes.tf and terraform.tfvars.
module "network" {
  source = "../../modules/network"

  name                    = local.name
  cidr_block              = local.network.cidr_block
  availability_zones      = [for letter in local.network.zones : "${var.region}${letter}"]
  nat_gateways            = local.network.nat_gateways
  interface_endpoints     = local.network.interface_endpoints
  log_kms_key_arn         = module.observability.log_kms_key_arn
  flow_log_retention_days = local.log_retention_days
}

module "cluster" {
  source = "../../modules/cluster"

  name = local.name
}

module "data" {
  source = "../../modules/data"

  name                  = local.name
  vpc_id                = module.network.vpc_id
  subnet_ids            = module.network.private_subnet_ids
  deletion_protection   = local.deletion_protection
  min_capacity          = local.database.min_capacity
  max_capacity          = local.database.max_capacity
  instance_count        = local.database.instance_count
  backup_retention_days = local.database.backup_retention_days
  table_prefix          = var.table_prefix
  log_kms_key_arn       = module.observability.log_kms_key_arn
  log_retention_days    = local.log_retention_days
}

module "messaging" {
  source = "../../modules/messaging"

  name                    = local.name
  mail_domain             = var.mail_domain
  zone_id                 = var.zone_id
  archive_days            = local.archive_days
  consumer_roles          = var.consumer_roles
  dmarc_policy            = var.dmarc_policy
  sms_monthly_spend_limit = var.sms_monthly_spend_limit
}

module "identity" {
  source = "../../modules/identity"

  name                = local.name
  deletion_protection = local.deletion_protection
  web_ui              = var.temporal_ui

  mail = {
    identity_arn      = module.messaging.mail_identity_arn
    from              = var.mail_from
    configuration_set = module.messaging.configuration_set_name
  }
}

module "secrets" {
  source = "../../modules/secrets"

  name                 = local.name
  recovery_window_days = local.deletion_protection ? 30 : 0
  temporal_api_key     = var.temporal.mode == "cloud"
}

module "images" {
  source = "../../modules/images"

  prefix       = local.name
  force_delete = !local.deletion_protection
}

module "temporal" {
  source = "../../modules/temporal"

  name               = local.name
  mode               = var.temporal.mode
  address            = var.temporal.address
  namespace          = var.temporal.namespace
  api_key_secret_arn = var.temporal.mode == "cloud" ? module.secrets.arns["TEMPORAL_API_KEY"] : null

  private_link = var.temporal.private_link_service == null ? null : {
    service_name       = var.temporal.private_link_service
    vpc_id             = module.network.vpc_id
    subnet_ids         = module.network.private_subnet_ids
    client_cidr_blocks = [local.network.cidr_block]
  }
}

module "edge" {
  source = "../../modules/edge"

  name                = local.name
  domain              = var.domain
  zone_id             = var.zone_id
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.private_subnet_ids
  health_check_path   = local.health_check_path
  deletion_protection = local.deletion_protection
}

module "processes" {
  source = "../../modules/processes"

  region                     = var.region
  shop_origins               = var.shop_origins
  temporal_ui_url            = try(var.temporal_ui.url, null)
  mail_from                  = var.mail_from
  load_balancer_idle_seconds = module.edge.idle_timeout_seconds
  reconcile_interval_ms      = local.reconcile_interval_ms
  policy_settings            = var.policy_settings
  api_settings               = var.api_settings
  worker_settings            = var.worker_settings
  temporal                   = module.temporal
  secret_arns                = module.secrets.arns
  data                       = module.data
  identity                   = module.identity
  messaging                  = module.messaging
}

module "api" {
  source = "../../modules/service"

  name                = "${local.name}-api"
  process             = "api"
  image               = var.api_image
  cpu                 = local.api.cpu
  memory              = local.api.memory
  scaling             = { min = local.api.min, max = local.api.max }
  environment         = module.processes.api.environment
  secrets             = module.processes.api.secrets
  statements          = module.processes.api.statements
  secrets_kms_key_arn = module.secrets.kms_key_arn
  cluster_name        = module.cluster.name
  cluster_arn         = module.cluster.arn
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.private_subnet_ids
  egress_ports        = [443, module.temporal.port]
  load_balancer       = module.edge.load_balancer
  log_kms_key_arn     = module.observability.log_kms_key_arn
  log_retention_days  = local.log_retention_days
  alarm_topic_arn     = module.observability.alarm_topic_arn
}

# Old and new versions run side by side: a version finishes the workflows that it began.
module "worker" {
  source   = "../../modules/service"
  for_each = var.worker_versions

  name                = "${local.name}-worker-${replace(each.key, "/[._]/", "-")}"
  process             = "worker"
  image               = each.value.image
  cpu                 = local.worker.cpu
  memory              = local.worker.memory
  scaling             = { min = each.value.desired_count, max = each.value.max_count }
  environment         = merge(module.processes.worker.environment, { KASSA_BUILD_ID = each.key })
  secrets             = module.processes.worker.secrets
  statements          = module.processes.worker.statements
  secrets_kms_key_arn = module.secrets.kms_key_arn
  cluster_name        = module.cluster.name
  cluster_arn         = module.cluster.arn
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.private_subnet_ids
  egress_ports        = [443, module.temporal.port]
  log_kms_key_arn     = module.observability.log_kms_key_arn
  log_retention_days  = local.log_retention_days
  alarm_topic_arn     = module.observability.alarm_topic_arn

  log_alarms = {
    parked = {
      message     = "parked: a step waits for an operator"
      description = "An order waits for a person: open Temporal's web UI and look for OrderState = NeedsOperator."
    }
    temporal-away = {
      message     = "Temporal cannot be reached, trying again"
      description = "A worker does not reach Temporal: look at the status of Temporal Cloud, and at the API key and its expiry."
    }
  }
}

# A task definition only. A deployment runs it before the new workers start.
module "migrate" {
  source = "../../modules/service"

  name                = "${local.name}-migrate"
  process             = "migrate"
  image               = var.migrate_image
  command             = ["migrate"]
  cpu                 = 256
  memory              = 512
  environment         = module.processes.migrate.environment
  secrets             = module.processes.migrate.secrets
  statements          = module.processes.migrate.statements
  secrets_kms_key_arn = module.secrets.kms_key_arn
  cluster_name        = module.cluster.name
  cluster_arn         = module.cluster.arn
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.private_subnet_ids
  log_kms_key_arn     = module.observability.log_kms_key_arn
  log_retention_days  = local.log_retention_days
  alarm_topic_arn     = module.observability.alarm_topic_arn
}

module "observability" {
  source = "../../modules/observability"

  name                    = local.name
  alarm_addresses         = var.alarm_addresses
  dead_letter_queue_names = module.messaging.dead_letter_queue_names
  undelivered_queue_arn   = module.messaging.undelivered_queue_arn
  table_names             = module.data.table_names
  cluster_identifier      = module.data.cluster_identifier
  max_capacity            = module.data.max_capacity
  load_balancer           = module.edge.load_balancer
  ecs_cluster_name        = module.cluster.name
  service_names           = concat([module.api.service_name], [for worker in module.worker : worker.service_name])
  event_bus_name          = module.messaging.event_bus_name
  monthly_budget          = local.monthly_budget
}
