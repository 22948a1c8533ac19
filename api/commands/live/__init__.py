"""The live demonstration: a simulated day is sent to a service as phones would send it."""
