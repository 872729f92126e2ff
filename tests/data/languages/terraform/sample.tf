# A private network and its machines.
terraform {
  required_version = ">= 1.5"
}

provider "aws" {
  region = var.region
}

// Where everything runs.
variable "region" {
  type        = string
  default     = "eu-central-1"
  description = "Größe: one region"
}

locals {
  prefix = "shop"
  tags = {
    team = local.prefix
  }
}

/* The machines. */
resource "aws_instance" "worker" {
  count = 3
  ami   = data.aws_ami.debian.id

  lifecycle {
    create_before_destroy = true
  }
}

data "aws_ami" "debian" {
  most_recent = true
}

module "network" {
  source = "./modules/network"
}

output "worker_ids" {
  value = aws_instance.worker[*].id
}

region = "eu-west-1"
