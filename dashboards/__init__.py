"""The dashboards of a platform, described once: Grafana's files and the suite's own page are made from it."""
