output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, one per zone."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]
}

output "nat_addresses" {
  description = "Public addresses that outgoing calls come from."
  value       = [for address in aws_eip.nat : address.public_ip]
}
