"""The demonstration that runs: a simulated day is sent to a service as phones would send it."""
