"""Files for an installation: installer, systemd unit, reverse proxy, list of Debian packages. ``wangge kit`` copies them."""
