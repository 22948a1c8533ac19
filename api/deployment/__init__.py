"""Files of an installation: installer, systemd unit, reverse proxy, list of Debian packages, compiled kernels."""
