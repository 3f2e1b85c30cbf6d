"""What the stand-ins share: connections to PostgreSQL, serving on two ports, records, their packages."""
