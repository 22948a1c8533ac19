"""Documents that describe the service: conformance, collections and schemas, OpenAPI."""
