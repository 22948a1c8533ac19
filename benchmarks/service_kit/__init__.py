"""Parts of the benchmark of the service and of the kill runs: servers, databases, clients and CPU time."""
