resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Private subnets of the orders"
  subnet_ids  = var.subnet_ids
}

# Processes use the Data API, which reaches the cluster from inside AWS. So nothing may connect to it over the network.
resource "aws_security_group" "database" {
  name_prefix = "${var.name}-database-"
  description = "Aurora: closed, because the Data API needs no network path"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-database" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_rds_cluster_parameter_group" "this" {
  name_prefix = "${var.name}-"
  family      = "aurora-postgresql${split(".", var.engine_version)[0]}"
  description = "Logs changes of the schema and slow statements, without values"

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  # Values are personal data, and the log is no place for them.
  parameter {
    name  = "log_parameter_max_length"
    value = "0"
  }

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  lifecycle {
    create_before_destroy = true
  }
}

# RDS would make the group itself, without a key and without expiry.
resource "aws_cloudwatch_log_group" "database" {
  #checkov:skip=CKV_AWS_338:The log serves to find slow statements; what has to be kept for years is in the database
  name              = "/aws/rds/cluster/${var.name}/postgresql"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
}

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV2_AWS_8:The backup plan selects by tag, which checkov does not follow
  cluster_identifier = var.name
  engine             = "aurora-postgresql"
  engine_mode        = "provisioned"
  engine_version     = var.engine_version
  database_name      = "kassa"

  # RDS makes the password and replaces it every week, so that it is in no state and no file.
  master_username                     = "kassa"
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = aws_kms_key.this.arn
  iam_database_authentication_enabled = true
  enable_http_endpoint                = true

  db_subnet_group_name            = aws_db_subnet_group.this.name
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this.name
  vpc_security_group_ids          = [aws_security_group.database.id]
  storage_encrypted               = true
  kms_key_id                      = aws_kms_key.this.arn
  enabled_cloudwatch_logs_exports = ["postgresql"]
  database_insights_mode          = "standard"

  backup_retention_period      = var.backup_retention_days
  preferred_backup_window      = "02:00-03:00"
  preferred_maintenance_window = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot        = true
  deletion_protection          = var.deletion_protection
  skip_final_snapshot          = !var.deletion_protection
  final_snapshot_identifier    = var.deletion_protection ? "${var.name}-final" : null
  tags                         = { backup = var.name }

  serverlessv2_scaling_configuration {
    min_capacity             = var.min_capacity
    max_capacity             = var.max_capacity
    seconds_until_auto_pause = var.min_capacity == 0 ? var.seconds_until_auto_pause : null
  }

  depends_on = [aws_cloudwatch_log_group.database]
}

resource "aws_rds_cluster_instance" "this" {
  #checkov:skip=CKV_AWS_118:A serverless instance has no operating system to watch; Performance Insights shows waits and statements
  count = var.instance_count

  identifier                      = "${var.name}-${count.index}"
  cluster_identifier              = aws_rds_cluster.this.id
  engine                          = aws_rds_cluster.this.engine
  engine_version                  = aws_rds_cluster.this.engine_version
  instance_class                  = "db.serverless"
  publicly_accessible             = false
  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.this.arn
  copy_tags_to_snapshot           = true

  # Tiers 0 and 1 grow and shrink with the writer, so that a failover meets an instance of the same size.
  promotion_tier = min(count.index, 1)
}
