# Examples: names under .example, and an account and a zone that do not exist. Put in your own.
account_id  = "123456789012"
region      = "eu-central-1"
domain      = "api.dev.shop.example"
zone_id     = "Z0123456789ABCDEFGHIJ"
mail_domain = "dev.shop.example"
mail_from   = "orders@dev.shop.example"

shop_origins = ["https://dev.shop.example"]

temporal = {
  address   = "eu-central-1.aws.api.temporal.io:7233"
  namespace = "kassa-dev.a1b2c"
}

temporal_ui = {
  url           = "https://temporal.dev.shop.example"
  domain_prefix = "kassa-dev-shop-example"
}

api_image     = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/kassa-dev/kassa-api:2026.11.1"
migrate_image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/kassa-dev/kassa-worker:2026.11.1"

worker_versions = {
  "2026.11.1" = {
    image         = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/kassa-dev/kassa-worker:2026.11.1"
    desired_count = 1
  }
}

alarm_addresses = ["operations@shop.example"]
