"""The documents that describe the service: conformance, collections and schemas, OpenAPI."""
