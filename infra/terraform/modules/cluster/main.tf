resource "aws_ecs_cluster" "this" {
  name = var.name

  # The alarms on running and desired tasks need these metrics.
  setting {
    name  = "containerInsights"
    value = "enhanced"
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE"]
}
