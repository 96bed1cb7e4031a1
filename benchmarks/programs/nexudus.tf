# One object of a generic REST provider for each person, at the users' API of Nexudus.

terraform {
  required_providers {
    restapi = {
      source = "Mastercard/restapi"
    }
  }
}

variable "uri" {
  type = string
}

variable "token" {
  type      = string
  sensitive = true
}

variable "per_second" {
  type    = number
  default = null
}

# First names by e-mail.
variable "people" {
  type = map(string)
}

provider "restapi" {
  uri                   = var.uri
  headers               = { Authorization = "Bearer ${var.token}" }
  rate_limit            = var.per_second
  create_returns_object = true         # it has the id alone,
  id_attribute          = "Value/Id"   # here,
  copy_keys             = ["Id"]       # and an update must have it in its body
}

resource "restapi_object" "user" {
  for_each    = var.people
  path        = "/api/sys/users"
  update_path = "/api/sys/users"
  data = jsonencode({
    FullName             = "${each.value} Ruiz"
    Email                = each.key
    Language             = 2
    Active               = true
    PasswordSalt         = ""
    LastHelpVisited      = 0
    InvalidLoginAttempts = 0
  })
}
