"""What the benchmark of the service and the kill runs are made of: servers, stores, clients and processor time."""
