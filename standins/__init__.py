"""Contract stand-ins for services that exist only as container images."""
