mock_provider "aws" {}

variables {
  prefix = "kassa-test"
}

run "images_cannot_be_replaced" {
  assert {
    condition     = toset([for repository in aws_ecr_repository.this : repository.name]) == toset(["kassa-test/kassa-api", "kassa-test/kassa-worker", "kassa-test/kassa"])
    error_message = "Each process and the command line have a repository."
  }

  assert {
    condition = alltrue([
      for repository in aws_ecr_repository.this :
      repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push
    ])
    error_message = "A tag always names the same image, and images are scanned."
  }

  assert {
    condition     = alltrue([for policy in aws_ecr_lifecycle_policy.this : length(jsondecode(policy.policy).rules) == 2])
    error_message = "Old images go."
  }
}

run "keeping_too_few_images_is_refused" {
  command = plan

  variables {
    kept_images = 3
  }

  expect_failures = [var.kept_images]
}
