"""Commands for administrators: database, accounts, devices, server."""
