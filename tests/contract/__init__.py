"""The contract of Apache Polaris, as data, played against the stand-in or a real server."""
